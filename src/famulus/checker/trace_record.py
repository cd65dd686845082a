# SPDX-License-Identifier: GPL-2.0-or-later
"""Count the nodes' accesses to each line of the pool: into a file, or live."""

import json
from collections.abc import Callable
from pathlib import Path

from famulus.base import waiting
from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.base.run import run
from famulus.checker import build, trace
from famulus.checker.analyser import Analyser
from famulus.checker.command import launch_command
from famulus.checker.launch import launch, prepare
from famulus.checker.naming import region_at
from famulus.checker.rings import only_reader, streams
from famulus.checker.run import OnLine
from famulus.coherence.caches import Caches
from famulus.fabric.fabric import Fabric
from famulus.pool import directory

_TIMEOUT = 86_400.0  # seconds


def record(
    fabric: Fabric,
    file: Path,
    program: list[str],
    *,
    seconds: float | None,
    on_line: OnLine,
    events: Events,
) -> None:
    """Write a trace of all nodes' accesses to `file`.

    The recording lasts as long as `program` runs in all nodes, at most `seconds`; with an empty
    `program`, `seconds`. Raises FamulusError if the nodes cannot be watched.
    """
    caches = _require(fabric)
    nodes = fabric.nodes()
    command = _command(fabric, program, seconds) if program else None
    words = ["--trace", str(file.absolute())]
    with (
        only_reader(caches) as stream,
        Analyser(build.ensure().analyser, stream, words) as analyser,
    ):
        with streams(nodes) as doubts, events.step("watch"):
            if command:
                launch(fabric, nodes, command, on_line)
            else:
                waiting.pause(seconds or _TIMEOUT)
        analyser.finish()
    for doubt in doubts:
        events.note(doubt)


def _command(fabric: Fabric, program: list[str], seconds: float | None) -> str:
    nodes = fabric.nodes()
    words = [*prepare(fabric, nodes, program[0]), *program[1:]]
    return launch_command(words, len(nodes), seconds or _TIMEOUT)


def follow(fabric: Fabric, interval: float, show: Callable[[trace.Trace], None]) -> None:
    """Call `show` with the trace of each `interval` (seconds) until the user interrupts."""

    def on_line(line: str) -> None:
        show(trace.parse_live(json.loads(line)))

    with only_reader(_require(fabric)) as stream, streams(fabric.nodes()):
        (stream / "stop").unlink(missing_ok=True)
        argv: list[str | Path] = [build.ensure().analyser, "--live", f"{interval:g}", stream]
        run(argv, timeout=_TIMEOUT, on_line=on_line)


def names(fabric: Fabric) -> Callable[[int], str]:
    """Return a function that returns the name of the region at an offset of the pool."""
    regions = directory.read(fabric.pool)
    return lambda offset: region_at(regions, offset) or "no region"


def _require(fabric: Fabric) -> Caches:
    caches = fabric.caches
    if not fabric.spec.watched or not caches.there():
        raise FamulusError(
            "the nodes of this fabric cannot report their accesses",
            hint="`famulus down`, then `famulus up --watch`.",
        )
    for node in fabric.nodes():
        node.require_running()
    return caches
