# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus trace` and `famulus top`."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from famulus.base.errors import FamulusError
from famulus.checker import trace, trace_record
from famulus.cli.app import App
from famulus.cli.common import (
    DEFAULT_FABRIC,
    FabricOption,
    JsonOption,
    VerboseOption,
    make_events,
)
from famulus.cli.screen import screen
from famulus.fabric.fabric import open_fabric
from famulus.node.node import Node

app = App(no_args_is_help=True, help="Record which nodes access which lines of the pool.")

_COUNTS = ("loads", "stores", "locked", "flushes", "handovers")
_LINES = 15  # shown at most


@app.command_with_words("record", "[-- PROGRAM [ARG]...]")
def record(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write the trace to.")],
    fabric: FabricOption = DEFAULT_FABRIC,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", help="Seconds to record; by default until PROGRAM ends, or 10."),
    ] = None,
    verbose: VerboseOption = False,
) -> None:
    """Record the accesses of all nodes while PROGRAM runs in all of them, or for some seconds.

    The fabric must have been started with `--watch` or `--coherence none`.

    Examples: `famulus trace record t.trace -- ./program`, `famulus trace record t --seconds 10`.
    """
    if not context.args and seconds is None:
        seconds = 10.0
    console = Console(emoji=False, highlight=False, soft_wrap=True, markup=False)

    def on_line(node: Node, line: str) -> None:
        console.out(f"{node.name} | {line}", highlight=False)

    opened = open_fabric(fabric)
    wait = make_events(verbose)
    trace_record.record(opened, file, context.args, seconds=seconds, on_line=on_line, events=wait)
    _show_summary(trace.read(file), trace_record.names(opened))


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A trace.")],
    fabric: FabricOption = DEFAULT_FABRIC,
    json_: JsonOption = False,
) -> None:
    """Summarize a trace: by node, by region, the busiest lines, false sharing.

    The regions' names are the present ones of the fabric, if the fabric exists.
    """
    found = trace.read(file)
    try:
        name = trace_record.names(open_fabric(fabric))
    except FamulusError:
        name = _nameless
    if json_:
        typer.echo(json.dumps(trace.summary(found, name), indent=1))
    else:
        _show_summary(found, name)


def top(
    fabric: FabricOption = DEFAULT_FABRIC,
    interval: Annotated[
        float, typer.Option(metavar="S", min=1, help="Seconds between two updates.")
    ] = 1.0,
) -> None:
    """Show live which nodes access which regions and lines most. Ctrl-C ends the display.

    The fabric must have been started with `--watch` or `--coherence none`.
    """
    opened = open_fabric(fabric)
    with Live(console=screen(), auto_refresh=False) as live:

        def show_them(found: trace.Trace) -> None:
            names = trace_record.names(opened)  # regions come and go
            live.update(_tables(found, names), refresh=True)

        trace_record.follow(opened, interval, show_them)


def _nameless(_offset: int) -> str:
    return "?"


def _show_summary(recorded: trace.Trace, name: Callable[[int], str]) -> None:
    found = trace.summary(recorded, name)
    console = screen()
    console.print(_tables(recorded, name))
    shared = ", ".join(hex(line) for line in found["falsely_shared"][:_LINES]) or "none"
    console.print(f"{found['lines']} lines in {found['pages']} pages; falsely shared: {shared}")


def _tables(found: trace.Trace, name: Callable[[int], str]) -> Group:
    lost = [f"{found.lost} events were lost: the counts are too low"] if found.lost else []
    if not found.tallies:
        return Group("no access to the pool", *lost)
    return Group(_by_region(found.tallies, name), _by_line(found.tallies), *lost)


def _by_region(tallies: list[trace.Tally], name: Callable[[int], str]) -> Table:
    regions: dict[tuple[str, int], Counter[str]] = {}
    for tally in tallies:
        counts = {count: getattr(tally, count) for count in _COUNTS}
        regions.setdefault((name(tally.line), tally.node), Counter()).update(counts)
    table = _table("REGION")
    for (region, node), counter in sorted(regions.items()):
        table.add_row(escape(region), str(node), *(str(counter[count]) for count in _COUNTS))
    return table


def _by_line(tallies: list[trace.Tally]) -> Table:
    table = _table("LINE")
    for at, those in list(trace.by_line(tallies).items())[:_LINES]:
        for tally in those:
            counted = (str(getattr(tally, count)) for count in _COUNTS)
            table.add_row(hex(at), str(tally.node), *counted)
    return table


def _table(first: str) -> Table:
    table = Table(first, "NODE", box=None)
    for count in _COUNTS:
        table.add_column(count.upper(), justify="right")
    return table
