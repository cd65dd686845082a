# SPDX-License-Identifier: GPL-2.0-or-later
"""Fabrics that are checked, with every program in their nodes, from `up --check` to `down`."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.base.process import is_stopped
from famulus.checker import build
from famulus.checker.analyser_service import AnalyserService
from famulus.checker.launch import drop_caches, forget_processes, install
from famulus.checker.patience import told_of_waits
from famulus.checker.rings import reader_lock, report_accesses
from famulus.fabric.fabric import Fabric
from famulus.fabric.parallel import each
from famulus.node.node import Node


def analyser_of(fabric: Fabric) -> AnalyserService:
    """Return the analyser of `fabric`, whether it runs or not."""
    return AnalyserService(fabric.folder.checker)


def keep_checking(fabric: Fabric, undo: ExitStack, events: Events) -> None:
    """Watch the running nodes of a fabric that is to be checked; watch no node of any other."""
    analyser = analyser_of(fabric)
    running = analyser.running()
    if not (fabric.spec.check or running):
        return
    nodes = [node for node in fabric.nodes() if node.state() == "running"]
    if not fabric.spec.check:
        analyser.stop()
        report_accesses(nodes, begin=False)
        return
    with events.step("watch the nodes"):
        if running:
            each(nodes, lambda node: install(fabric, node))
        else:
            undo.callback(analyser.stop)
            begin(fabric, nodes)


def begin(fabric: Fabric, nodes: Sequence[Node]) -> None:
    """Watch `nodes` from now on. Their caches are emptied first, as the analyser assumes."""
    report_accesses(nodes, begin=False)
    each(nodes, lambda node: install(fabric, node))
    forget_processes(fabric, nodes)
    drop_caches(fabric, nodes)
    caches = fabric.caches
    with reader_lock(caches) as lock:
        analyser_of(fabric).start(build.ensure().analyser, caches.stream, lock)
    report_accesses(nodes, begin=True)


def end(fabric: Fabric, nodes: Sequence[Node], events: Events) -> list[dict[str, Any]]:
    """Watch `nodes` no more, and return the analyser's output. `events` tells of a long wait.

    Raises FamulusError if the fabric is not checked, or its analyser has ended.
    """
    if not fabric.spec.check:
        raise FamulusError(
            f"the fabric '{fabric.folder.name}' is not checked all the time",
            hint="Give a program, `famulus check -- ./program`, or say `famulus up --check`.",
        )
    with told_of_waits(nodes, fabric.caches.stream, events):
        report_accesses(nodes, begin=False)
        return analyser_of(fabric).finish()


def state(fabric: Fabric) -> str | None:
    """Return the state of the fabric's checker, or None without a checker.

    The state is `running`, `stopped` (by a signal) or `ended`.
    """
    if not fabric.spec.check:
        return None
    process = analyser_of(fabric).daemon.pid()
    if process is None:
        return "ended"
    return "stopped" if is_stopped(process) else "running"
