# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus ssh`."""

from typing import Annotated

import typer

from famulus.cli.common import (
    DEFAULT_FABRIC,
    FabricOption,
    NoInputOption,
    OneNodeArgument,
    UserOption,
)
from famulus.cli.hooks import HOOKS
from famulus.fabric.fabric import open_fabric
from famulus.fabric.session import in_session, shared_connection
from famulus.transport import ssh as openssh


def ssh(
    context: typer.Context,
    node: OneNodeArgument,
    fabric: FabricOption = DEFAULT_FABRIC,
    user: UserOption = None,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give the command a terminal.")] = False,
    no_input: NoInputOption = False,
) -> None:
    """Log in to a node, or run a command there. Exits with the exit code of `ssh`.

    As with `ssh`, blanks join the words of the command to a line for the node's shell (`famulus
    exec` passes words on as they are), and the command reads standard input, also the list of a
    loop `while read`; `-n` prevents that.

    Examples: `famulus ssh 1`, `famulus ssh 2 -- uname -a`, `famulus ssh 1 -l root`.
    """
    opened = open_fabric(fabric)
    chosen = opened.select_one(node)
    chosen.require_running()
    unread = ["-n"] if no_input else []
    command = HOOKS.wrap(opened, context.args)
    with shared_connection(chosen, user) as options:
        argv = openssh.login(
            opened.ssh_config, chosen.name, user, command, tty=tty, options=[*options, *unread]
        )
        raise typer.Exit(in_session(argv, [chosen]))
