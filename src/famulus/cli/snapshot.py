# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus snapshot list|prune`."""

import json
from collections.abc import Sequence

import typer
from rich.table import Table

from famulus.base.units import format_size, human_size
from famulus.cli.app import App
from famulus.cli.common import JsonOption, make_events, note_missing_homes
from famulus.cli.screen import screen
from famulus.fabric.templates import snapshots_in_use
from famulus.snapshot import store
from famulus.snapshot.store import Snapshot

app = App(
    help="List and remove snapshots: the frozen machines that nodes are cloned from.",
    no_args_is_help=True,
)


@app.command("list")
def list_snapshots(json_output: JsonOption = False) -> None:
    """List the snapshots, their sizes on disk, and the fabrics that use them."""
    used = snapshots_in_use()
    found = store.all_snapshots()
    if json_output:
        rows = [_row(snapshot, used.get(snapshot.digest, [])) for snapshot in found]
        typer.echo(json.dumps(rows, indent=2))
        return
    columns = ("SNAPSHOT", "TEMPLATE", "MEMORY", "CPUS", "POOL", "ACCEL", "ON DISK", "FABRICS")
    table = Table(*columns, box=None, pad_edge=False)
    for snapshot in found:
        table.add_row(*_cells(snapshot, used.get(snapshot.digest, [])))
    screen().print(table if found else "no snapshots; `famulus up` makes a snapshot")


@app.command()
def prune() -> None:
    """Remove the snapshots that no node uses. `up` makes them again."""
    typer.echo(f"freed {human_size(store.prune(set(snapshots_in_use())))}")
    note_missing_homes(make_events())


def _row(snapshot: Snapshot, fabrics: Sequence[str]) -> dict[str, object]:
    return {
        "digest": snapshot.digest,
        "template": snapshot.template,
        "memory": snapshot.memory,
        "cpus": snapshot.cpus,
        "pool": snapshot.pool,
        "accel": snapshot.accel,
        "bytes": snapshot.size,
        "fabrics": fabrics,
    }


def _cells(snapshot: Snapshot, fabrics: Sequence[str]) -> list[str]:
    return [
        snapshot.digest,
        snapshot.template,
        format_size(snapshot.memory),
        str(snapshot.cpus),
        format_size(snapshot.pool) if snapshot.pool else "-",
        snapshot.accel,
        human_size(snapshot.size),
        ", ".join(fabrics) or "-",
    ]
