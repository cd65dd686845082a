# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus list`."""

import json

import typer
from rich.markup import escape
from rich.table import Table

from famulus.base.units import human_size
from famulus.cli.common import JsonOption
from famulus.cli.hooks import HOOKS
from famulus.cli.screen import screen
from famulus.fabric.parallel import raise_all
from famulus.fabric.status import FabricStatus, every_fabric


def list_fabrics(json_output: JsonOption = False) -> None:
    """List all fabrics, running or not."""
    fabrics, failures = every_fabric(HOOKS)
    if json_output:
        typer.echo(json.dumps([fabric.as_dict() for fabric in fabrics], indent=2))
    elif fabrics or not failures:
        _show(fabrics)
    raise_all(failures, "fabrics")


def _show(fabrics: list[FabricStatus]) -> None:
    table = Table("FABRIC", "NODES", "RUNNING", "POOL", "FILE", box=None, pad_edge=False)
    for fabric in fabrics:
        running = sum(node.state != "stopped" for node in fabric.nodes)
        table.add_row(
            fabric.name,
            str(len(fabric.nodes)),
            str(running),
            human_size(fabric.pool_size),
            escape(fabric.pool),
        )
    screen().print(table if fabrics else "no fabrics; `famulus up N` makes a fabric")
