# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a program on all nodes at once under the checker, and report what is wrong with it."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from famulus import waiting
from famulus.check import build, suppress
from famulus.check.model import NOTES, Defect, merged, parse_defect
from famulus.check.polls import without_polls
from famulus.check.symbols import Process, Symbols, parse_marked, parse_process
from famulus.check.watch import Watch
from famulus.coherence.caches import Caches
from famulus.errors import FamulusError, Interrupted
from famulus.events import Events
from famulus.fabric.down import down
from famulus.fabric.execute import execute
from famulus.fabric.fabric import Fabric, open_fabric
from famulus.fabric.launch import (
    CANNOT,
    OVER,
    ask_node,
    kept_processes,
    launch_command,
    prepare,
    streams,
)
from famulus.fabric.up import up
from famulus.node.node import Node
from famulus.pool import directory
from famulus.state import FabricFolder

OnLine = Callable[[Node, str], None]

# The library looks whether there is a directory without its lock; a checksum tells what is torn.
_OURS = (suppress.Suppression("region", "the directory", "data race"),)


@dataclass(frozen=True)
class Request:
    """What to check. `timeout` is seconds; without a `fabric` one is made for the run."""

    program: str
    words: Sequence[str] = ()
    nodes: int | None = None
    fabric: str | None = None
    timeout: float = 300.0
    notes: bool = False
    settings: Path | None = None


@dataclass(frozen=True)
class Report:
    """What came of it: the program's exit codes by node, and the defects."""

    program: str
    codes: dict[int, int]
    events: int
    defects: list[Defect] = field(default_factory=list)

    @property
    def timed_out(self) -> bool:
        """Tell whether the program was ended because it took too long."""
        return OVER in self.codes.values()

    @property
    def wrong(self) -> list[Defect]:
        """The defects without the notes of performance."""
        return [defect for defect in self.defects if defect.kind not in NOTES]


def check(request: Request, on_line: OnLine, events: Events) -> Report:
    """Run the program on all nodes, watched, and return what was found.

    `on_line` gets each line that it prints. A fabric that was made for this is gone afterwards, one
    that was named runs on. Raises FamulusError if the program could not be run.
    """
    with _fabric(request, events) as fabric:
        with events.step("give the nodes the program"):
            command = prepare(fabric, request.program)
        return _watched(fabric, request, command, on_line, events)


@contextmanager
def _fabric(request: Request, events: Events) -> Iterator[Fabric]:
    name = request.fabric or f"check-{os.getpid()}"
    flags: dict[str, object] = {"nodes": _number(request, name), "coherence": "none"}
    try:
        yield up(name, flags, request.settings, events)
    except Interrupted:
        waiting.forget_interrupt()
        raise
    finally:
        if request.fabric is None and FabricFolder(name).path.exists():
            down(name, events, purge=True, force=True)


def _number(request: Request, name: str) -> int:
    if request.nodes or not FabricFolder(name).exists():
        return request.nodes or 2
    return open_fabric(name).spec.nodes


def _watched(
    fabric: Fabric, request: Request, program: Sequence[str], on_line: OnLine, events: Events
) -> Report:
    nodes, tools = fabric.nodes(), build.ensure()
    words = ["--notes"] if request.notes else []
    command = launch_command([*program, *request.words], len(nodes), request.timeout)
    with Watch(tools.analyser, Caches(fabric.pool).stream, words) as watch:
        with streams(nodes), events.step("run and watch"):
            codes = execute(fabric, nodes, [command], on_line)
        said = watch.finish()
    if any(code in CANNOT for code in codes.values()):
        raise FamulusError(f"{request.program} cannot be run in the nodes", hint="Is it x86-64?")
    with events.step("name what was found"):
        defects = _named(fabric, said)
    seen = sum(line.get("events", 0) for line in said)
    return Report(request.program, codes, seen, defects)


def _named(fabric: Fabric, said: list[dict[str, Any]]) -> list[Defect]:
    defects = [parse_defect(line) for line in said if "kind" in line]
    if not defects:
        return []

    def ask(node: int, command: str) -> str:
        return ask_node(fabric, fabric.node(node), command)

    symbols = Symbols(said, _processes(fabric), ask)
    named = without_polls(symbols.name(defects), symbols, ask)
    regions = directory.read(fabric.pool)
    placed = [replace(defect, region=region_at(regions, defect.offset)) for defect in named]
    return merged(suppress.apply(_OURS, placed))


def _processes(fabric: Fabric) -> dict[tuple[int, int], Process]:
    """Return what the launcher has kept of each process, by node and number."""
    found = kept_processes(fabric)
    return {
        (node, int(name)): parse_process(text)
        for node, shown in found.items()
        for name, text in parse_marked(shown).items()
        if name.isdigit()
    }


def region_at(regions: directory.Directory, offset: int) -> str:
    """Return the name of the region at `offset` of the pool, or an empty string."""
    if offset >= regions.start:
        return "the directory"
    for region in regions.regions:
        if region.offset <= offset < region.offset + region.size:
            return region.name
    return ""
