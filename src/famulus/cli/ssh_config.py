# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus ssh-config`."""

from pathlib import Path
from typing import Annotated

import typer

from famulus.base.errors import FamulusError
from famulus.cli.common import DEFAULT_FABRIC, FabricOption, make_events
from famulus.fabric.fabric import open_fabric
from famulus.settings.identity import node_name
from famulus.transport.ssh_check import winners


def ssh_config(
    fabric: FabricOption = DEFAULT_FABRIC,
    path: Annotated[
        bool, typer.Option("--path", help="Print the path of the file instead.")
    ] = False,
) -> None:
    """Print an ssh configuration for your own ssh, scp, rsync and editors.

    Example: `ssh -F $(famulus ssh-config --path) fabric1`.

    To do without -F, write `Include PATH` into ~/.ssh/config, with the path that `--path` prints.
    The line must stand first: ssh takes the first value of an option. If a line of your
    ~/.ssh/config would win otherwise, a note names the option.
    """
    config = open_fabric(fabric).ssh_config
    if not config.exists():
        raise FamulusError(
            "the fabric has never run", hint="`famulus up` writes the configuration."
        )
    typer.echo(config if path else config.read_text(encoding="utf-8"), nl=path)
    if not path:
        _warn(config)


def _warn(config: Path) -> None:
    events = make_events()
    try:
        found = winners(config, node_name(1))
    except FamulusError as error:
        events.note(f"~/.ssh/config cannot be checked: {error.details or error.brief}")
        return
    for winner in found:
        events.note(
            f"~/.ssh/config sets {winner.option} to {winner.theirs} for {node_name(1)}, and this "
            f"configuration to {winner.ours}: the Include of this configuration must stand first"
        )
