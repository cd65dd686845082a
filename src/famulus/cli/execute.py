# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus exec`."""

import sys
import threading

import typer
from rich.console import Console

from famulus.base.errors import UsageError
from famulus.base.session import Stream
from famulus.base.stdin import is_readable
from famulus.cli.common import DEFAULT_FABRIC, FabricOption, NodeArgument, NoInputOption, UserOption
from famulus.cli.hooks import HOOKS
from famulus.cli.screen import screen
from famulus.fabric.execute import execute as run_in_nodes
from famulus.fabric.execute import line_of
from famulus.fabric.fabric import open_fabric
from famulus.node.node import Node

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")


def execute(
    context: typer.Context,
    node: NodeArgument,
    fabric: FabricOption = DEFAULT_FABRIC,
    user: UserOption = None,
    no_input: NoInputOption = False,
) -> None:
    """Run a command in nodes at the same time; each line of output begins with the node's name.

    Several words are a program and its arguments, as given; a single word is a line for the node's
    shell. With a single node, the command reads standard input, also the list of a loop `while
    read`; `-n` prevents that. Exits with the command's exit code; with several nodes, with the
    first code that is not 0. A node that ends meanwhile is named, and counts as 255.

    Examples: `famulus exec all -- uptime`, `famulus exec 1-3,5 -- 'cd /tmp && ls'`,
    `famulus exec 1 -- tee notes < notes`.
    """
    line = line_of(context.args) if context.args else ""
    if not line.strip():
        raise UsageError("no command to run", hint="Example: famulus exec all -- hostname")
    opened = open_fabric(fabric)
    nodes = opened.select(node)
    feed = len(nodes) == 1 and not no_input and is_readable()
    codes = run_in_nodes(opened, nodes, line, _Printer(nodes), HOOKS, user=user, feed=feed)
    raise typer.Exit(next((code for code in codes.values() if code), 0))


class _Printer:
    """A printer of nodes' lines; lines of several nodes never mix, and bytes stay as they are."""

    def __init__(self, nodes: list[Node]) -> None:
        self._heads = {
            Stream.OUT: _heads(nodes, screen()),
            Stream.ERR: _heads(nodes, screen(errors=True)),
        }
        self._lock = threading.Lock()

    def __call__(self, node: Node, stream: Stream, line: bytes) -> None:
        file = sys.stdout.buffer if stream is Stream.OUT else sys.stderr.buffer
        with self._lock:
            file.write(self._heads[stream][node.number] + line + b"\n")
            file.flush()


def _heads(nodes: list[Node], console: Console) -> dict[int, bytes]:
    """Return the beginning of a node's lines, by number; in colour if `screen` is a terminal."""
    width = max(len(node.name) for node in nodes)
    heads = {}
    for node in nodes:
        with console.capture() as printed:
            colour = _COLOURS[node.number % len(_COLOURS)]
            console.print(f"{node.name:{width}} | ", style=colour, end="", soft_wrap=True)
        heads[node.number] = printed.get().encode()
    return heads
