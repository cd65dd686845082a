# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus snapshot list|prune`."""

import json

import typer
from rich.console import Console
from rich.table import Table

from famulus.cli.common import JsonOption
from famulus.fabric.templates import snapshots_in_use
from famulus.snapshot import store
from famulus.units import format_size, human_size

app = typer.Typer(help="The frozen machines that nodes are cloned from.", no_args_is_help=True)


@app.command("list")
def list_snapshots(json_output: JsonOption = False) -> None:
    """List the snapshots, what they take on disk, and which fabrics stand on them."""
    used = snapshots_in_use()
    found = store.all_snapshots()
    rows = [
        {
            "digest": snapshot.digest,
            "template": snapshot.template,
            "memory": snapshot.memory,
            "cpus": snapshot.cpus,
            "accel": snapshot.accel,
            "bytes": snapshot.size,
            "fabrics": used.get(snapshot.digest, []),
        }
        for snapshot in found
    ]
    if json_output:
        typer.echo(json.dumps(rows, indent=2))
        return
    columns = ("SNAPSHOT", "TEMPLATE", "MEMORY", "CPUS", "ACCEL", "ON DISK", "FABRICS")
    table = Table(*columns, box=None, pad_edge=False)
    for snapshot in found:
        table.add_row(
            snapshot.digest,
            snapshot.template,
            format_size(snapshot.memory),
            str(snapshot.cpus),
            snapshot.accel,
            human_size(snapshot.size),
            ", ".join(used.get(snapshot.digest, [])) or "-",
        )
    Console(highlight=False).print(table if found else "no snapshots; `famulus up` makes one")


@app.command()
def prune() -> None:
    """Remove the snapshots that no node stands on. `up` makes them again."""
    typer.echo(f"freed {human_size(store.prune(set(snapshots_in_use())))}")
