# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus exec`."""

import threading

import typer
from rich.console import Console

from famulus.base.errors import UsageError
from famulus.cli.common import DEFAULT_FABRIC, FabricOption, NodeArgument, UserOption
from famulus.cli.hooks import HOOKS
from famulus.fabric.execute import execute as run_in_nodes
from famulus.fabric.fabric import open_fabric
from famulus.node.node import Node

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")


def execute(
    context: typer.Context,
    node: NodeArgument,
    fabric: FabricOption = DEFAULT_FABRIC,
    user: UserOption = None,
) -> None:
    """Run a command in nodes at the same time; each line of output begins with the node's name.

    Exits with the command's exit code; with several nodes, with the first code that is not 0.

    Examples: `famulus exec all -- uptime`, `famulus exec 1-3,5 -- 'cd /tmp && ls'`.
    """
    if not context.args:
        raise UsageError("no command to run", hint="Example: famulus exec all -- hostname")
    opened = open_fabric(fabric)
    nodes = opened.select(node)
    codes = run_in_nodes(opened, nodes, context.args, _Printer(nodes), HOOKS, user=user)
    raise typer.Exit(next((code for code in codes.values() if code), 0))


class _Printer:
    """A printer of nodes' lines; lines of several nodes never mix."""

    def __init__(self, nodes: list[Node]) -> None:
        self._screen = Console(emoji=False, highlight=False, soft_wrap=True, markup=False)
        self._width = max(len(node.name) for node in nodes)
        self._lock = threading.Lock()

    def __call__(self, node: Node, line: str) -> None:
        colour = _COLOURS[node.number % len(_COLOURS)]
        with self._lock:
            self._screen.print(f"{node.name:{self._width}} | ", style=colour, end="")
            self._screen.out(line, highlight=False)
