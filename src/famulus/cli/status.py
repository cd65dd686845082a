# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus status`."""

import json

import typer
from rich.markup import escape
from rich.table import Table

from famulus.base.units import human_size
from famulus.cli.common import DEFAULT_FABRIC, FabricOption, JsonOption
from famulus.cli.hooks import HOOKS
from famulus.cli.screen import screen
from famulus.fabric.fabric import open_fabric
from famulus.fabric.status import FabricStatus, NodeStatus, fabric_status

_CHECKER = {
    None: "",
    "running": "; checked",
    "stopped": "; its checker is stopped by a signal, and nodes wait for the checker",
    "ended": "; its checker has ended, `famulus up` starts another",
}
_COLOURS = {"running": "green", "paused": "yellow", "stopped": "dim", "hung": "red"}


def status(fabric: FabricOption = DEFAULT_FABRIC, json_output: JsonOption = False) -> None:
    """Show the nodes of a fabric (state, address, ssh port, process, memory) and its pool."""
    found = fabric_status(open_fabric(fabric), HOOKS)
    if json_output:
        typer.echo(json.dumps(found.as_dict(), indent=2))
    else:
        show(found)


def show(found: FabricStatus) -> None:
    """Print the status as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("NODE", "STATE", "ADDRESS"):
        table.add_column(column)
    for column in ("SSH PORT", "PID", "MEMORY"):
        table.add_column(column, justify="right")
    for node in found.nodes:
        table.add_row(*_row(node))
    console = screen()
    console.print(table)
    used = "not there" if found.pool_used is None else f"{human_size(found.pool_used)} used"
    gone = " (its name is gone; `famulus down` brings it back)" if found.pool_unnamed else ""
    console.print(
        f"fabric {found.name}: pool {escape(found.pool)}{gone}, {human_size(found.pool_size)}, "
        f"{used}; "
        f"network {found.subnet} {found.network}{_CHECKER[found.checker]}",
        soft_wrap=True,
    )


def _wait(node: NodeStatus) -> str:
    return f", waits {node.waits} s for {node.waits_for}" if node.waits_for else ""


def _row(node: NodeStatus) -> list[str]:
    colour = _COLOURS.get(node.state, "default")
    return [
        node.name,
        f"[{colour}]{node.state}[/]{_wait(node)}",
        node.address,
        str(node.ssh_port or "-"),
        str(node.pid or "-"),
        human_size(node.memory) if node.memory else "-",
    ]
