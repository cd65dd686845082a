# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus demo`."""

import typer
from rich.markup import escape

from famulus.cli.common import (
    DEFAULT_FABRIC,
    FabricOption,
    VerboseOption,
    make_events,
    open_log,
    settings_here,
)
from famulus.cli.hooks import HOOKS
from famulus.cli.screen import screen
from famulus.fabric.demo import Demo, run_demo

_NEXT = """\
Next commands:
  famulus ssh 1       log in to node 1 (as fabric, with sudo)
  famulus status      show the nodes, with addresses, ports and memory
  famulus down        stop the nodes; the pool stays until `famulus down --purge`"""


def demo(fabric: FabricOption = DEFAULT_FABRIC, verbose: VerboseOption = False) -> None:
    """Start two nodes and show the same bytes three times: in node 1, on the host, in node 2.

    Node 1 compiles and runs hello_fabric.c, which stores; node 2 loads. A running fabric is used as
    it is; settings have the same sources as for `up`. Exits with 0 only if all three agree.
    """
    open_log(fabric)
    result = run_demo(fabric, settings_here(), make_events(verbose), HOOKS)
    _show(result)
    if not result.agree:
        raise typer.Exit(1)


def _show(result: Demo) -> None:
    console = screen()
    console.print("\nThe same bytes of the pool, three times:\n")
    for place, text in result.seen.items():
        console.print(f"  [bold]{escape(place):24}[/] {escape(text)}")
    if result.agree:
        console.print("\n[green]All three agree.[/] Memory is shared.\n")
    else:
        console.print("\n[red]The three do not agree.[/] Please report this with `famulus log`.\n")
    console.print(_NEXT)
