# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus console`."""

import typer

from famulus.cli.common import DEFAULT_FABRIC, FabricOption, OneNodeArgument
from famulus.fabric.fabric import open_fabric


def console(node: OneNodeArgument, fabric: FabricOption = DEFAULT_FABRIC) -> None:
    """Attach to a node's serial console. Ctrl-] leaves the console.

    The login is fabric with the password rocks, or root with the password aresquare. A console
    serves one terminal: a second terminal waits until the first leaves, or libvirt refuses it.
    """
    chosen = open_fabric(fabric).select_one(node)
    if chosen.state() == "stopped":
        chosen.require_running()
    typer.echo(
        f"Console of {chosen.name}. Ctrl-] leaves the console, Enter shows the prompt.", err=True
    )
    raise typer.Exit(chosen.runner.console())
