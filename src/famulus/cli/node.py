# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus node stop|start|reset|kill|pause|resume`."""

from collections.abc import Callable

from famulus.cli.app import App
from famulus.cli.common import (
    DEFAULT_FABRIC,
    FabricOption,
    NodeArgument,
    VerboseOption,
    make_events,
    open_log,
)
from famulus.cli.hooks import HOOKS
from famulus.fabric.fabric import Fabric, locked, open_fabric
from famulus.fabric.parallel import attempt, host_width, in_words
from famulus.fabric.pools import kept
from famulus.fabric.start import reset as reset_nodes
from famulus.fabric.start import restart
from famulus.node import lifecycle
from famulus.node.node import Node

app = App(help="Stop, start, reset, kill, pause or resume single nodes.", no_args_is_help=True)


@app.command()
def stop(
    node: NodeArgument, fabric: FabricOption = DEFAULT_FABRIC, verbose: VerboseOption = False
) -> None:
    """Shut nodes down. Their disks stay; `node start` boots from them."""
    _end(fabric, node, "shut down", lifecycle.stop, verbose=verbose)


@app.command()
def start(
    node: NodeArgument, fabric: FabricOption = DEFAULT_FABRIC, verbose: VerboseOption = False
) -> None:
    """Start stopped nodes from their own disks, and wait until the nodes answer."""
    restart(*_choose(fabric, node), make_events(verbose), HOOKS)


@app.command()
def reset(
    node: NodeArgument, fabric: FabricOption = DEFAULT_FABRIC, verbose: VerboseOption = False
) -> None:
    """Remove nodes' disks and start the nodes as fresh clones."""
    reset_nodes(*_choose(fabric, node), make_events(verbose), HOOKS)


@app.command()
def kill(
    node: NodeArgument, fabric: FabricOption = DEFAULT_FABRIC, verbose: VerboseOption = False
) -> None:
    """End nodes at once, as if their power failed."""
    _end(fabric, node, "kill", lifecycle.kill, verbose=verbose)


@app.command()
def pause(
    node: NodeArgument, fabric: FabricOption = DEFAULT_FABRIC, verbose: VerboseOption = False
) -> None:
    """Halt the CPUs of nodes."""
    _apply(fabric, node, "pause", Node.pause, verbose=verbose)


@app.command()
def resume(
    node: NodeArgument, fabric: FabricOption = DEFAULT_FABRIC, verbose: VerboseOption = False
) -> None:
    """Let the CPUs of paused nodes run again."""
    _apply(fabric, node, "resume", Node.resume, verbose=verbose)


def _choose(name: str, nodes: str) -> tuple[Fabric, list[Node]]:
    """Return the fabric and its nodes that `nodes` names; from here on the fabric's log is open."""
    opened = open_fabric(name)
    chosen = opened.select(nodes)
    open_log(name)
    return opened, chosen


def _apply(
    name: str, nodes: str, verb: str, action: Callable[[Node], None], *, verbose: bool
) -> None:
    opened, chosen = _choose(name, nodes)
    events = make_events(verbose)
    with locked(opened.folder, events), events.step(f"{verb} {in_words(chosen)}"):
        attempt(chosen, action, width=host_width())


def _end(
    name: str, nodes: str, verb: str, action: Callable[[Node], None], *, verbose: bool
) -> None:
    """End nodes by `action`; the pool survives the last node even if the pool's name is gone."""
    opened, chosen = _choose(name, nodes)
    events = make_events(verbose)
    with (
        locked(opened.folder, events),
        kept(opened, events),
        events.step(f"{verb} {in_words(chosen)}"),
    ):
        attempt(chosen, action, width=host_width())
