# SPDX-License-Identifier: GPL-2.0-or-later
"""Fabrics that are checked from `up --check` to `down`, whatever runs in their nodes."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.checker import build
from famulus.checker.background import Background
from famulus.checker.launch import drop_caches, forget_processes, install, reader_lock
from famulus.coherence.caches import Caches
from famulus.fabric.fabric import Fabric
from famulus.fabric.parallel import each
from famulus.node import plugin
from famulus.node.node import Node


def background(fabric: Fabric) -> Background:
    """Return the analyser of `fabric`, whether it runs or not."""
    return Background(fabric.folder.checker)


def keep_checking(fabric: Fabric, undo: ExitStack, events: Events) -> None:
    """Have the nodes that run be watched if the fabric is to be checked, or no more if not."""
    running = background(fabric).running()
    if not (fabric.spec.check or running):
        return
    nodes = [node for node in fabric.nodes() if node.state() == "running"]
    if not fabric.spec.check:
        background(fabric).stop()
        _tell(nodes, begin=False)
        return
    with events.step("watch the nodes"):
        if running:
            each(nodes, lambda node: install(fabric, node))
        else:
            undo.callback(background(fabric).stop)
            begin(fabric, nodes)


def begin(fabric: Fabric, nodes: Sequence[Node]) -> None:
    """Watch `nodes` from now on, their caches being empty as the analyser takes them for."""
    _tell(nodes, begin=False)
    each(nodes, lambda node: install(fabric, node))
    forget_processes(fabric, nodes)
    drop_caches(fabric, nodes)
    caches = Caches(fabric.pool)
    with reader_lock(caches) as lock:
        background(fabric).start(build.ensure().analyser, caches.stream, lock)
    _tell(nodes, begin=True)


def end(fabric: Fabric, nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """Watch `nodes` no more, and return what the analyser says of them.

    Raises FamulusError if the fabric is none that is checked, or its analyser is not there.
    """
    if not fabric.spec.check:
        raise FamulusError(
            f"the fabric '{fabric.folder.name}' is not checked all the time",
            hint="Give a program, `famulus check -- ./program`, or say `famulus up --check`.",
        )
    _tell(nodes, begin=False)
    return background(fabric).finish()


def state(fabric: Fabric) -> str | None:
    """Return how the fabric's checker is, `running` or `ended`, or None if it has none."""
    if not fabric.spec.check:
        return None
    return "running" if background(fabric).running() else "ended"


def _tell(nodes: Sequence[Node], *, begin: bool) -> None:
    each(nodes, lambda node: plugin.stream(node, begin=begin))
