# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus ssh`."""

from typing import Annotated

import typer

from famulus.base.run import interactive
from famulus.cli.common import DEFAULT_FABRIC, FabricOption, OneNodeArgument, UserOption
from famulus.cli.hooks import HOOKS
from famulus.fabric.fabric import open_fabric
from famulus.transport import ssh as openssh


def ssh(
    context: typer.Context,
    node: OneNodeArgument,
    fabric: FabricOption = DEFAULT_FABRIC,
    user: UserOption = None,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give the command a terminal.")] = False,
) -> None:
    """Log in to a node, or run a command there. Exits with the exit code of `ssh`.

    Examples: `famulus ssh 1`, `famulus ssh 2 -- uname -a`, `famulus ssh 1 -l root`.
    """
    opened = open_fabric(fabric)
    chosen = opened.select_one(node)
    chosen.require_running()
    command = HOOKS.wrap(opened, context.args)
    raise typer.Exit(
        interactive(openssh.login(opened.ssh_config, chosen.name, user, command, tty=tty))
    )
