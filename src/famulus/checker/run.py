# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a program on all nodes at once under the checker, and report what is wrong with it."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.base.events import Events
from famulus.checker import build
from famulus.checker.code.polls import without_polls
from famulus.checker.code.processes import Process, parse_processes
from famulus.checker.code.symbols import Symbols
from famulus.checker.hooks import CHECKER
from famulus.checker.launch import (
    CANNOT,
    OVER,
    ask_node,
    drop_caches,
    files_of,
    kept_processes,
    launch,
    launch_command,
    on_host,
    only_reader,
    prepare,
    streams,
)
from famulus.checker.report import suppress
from famulus.checker.report.model import NOTES, Defect, merged, parse_defect
from famulus.checker.watch import Watch
from famulus.coherence.caches import Caches
from famulus.fabric.down import down
from famulus.fabric.fabric import Fabric
from famulus.fabric.up import up
from famulus.node.node import Node
from famulus.pool import directory
from famulus.state.folder import FabricFolder

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
    gaps: int = 0  # events that were not told, because a node died or the host was too slow

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
    files_of(request.program)  # what is not there costs nobody a fabric
    with _fabric(request, events) as fabric:
        nodes = fabric.nodes()[: _number(request, fabric.folder)]
        with events.step("give the nodes the program"):
            command = prepare(fabric, nodes, request.program)
        return _Run(fabric, nodes, request).watched(command, on_line, events)


@contextmanager
def _fabric(request: Request, events: Events) -> Iterator[Fabric]:
    name = request.fabric or f"check-{os.getpid()}"
    folder = FabricFolder(name)
    require_incoherent(folder)
    have = folder.read().spec.nodes if folder.exists() else 1
    number = max(have, _number(request, folder))
    flags: dict[str, object] = {"nodes": number, "coherence": "none"}
    try:
        yield up(name, flags, request.settings, events, CHECKER)
    except Interrupted:
        waiting.forget_interrupt()
        raise
    finally:
        if request.fabric is None and FabricFolder(name).path.exists():
            down(name, events, CHECKER, purge=True, force=True)


def require_incoherent(folder: FabricFolder) -> None:
    """Raise FamulusError for a fabric whose memory was made coherent on purpose, to be watched."""
    if not folder.exists():
        return
    spec = folder.read().spec
    if spec.watch and not spec.noncoherent:
        raise FamulusError(
            f"the memory of the fabric '{folder.name}' is coherent: it has nothing to check",
            hint="Leave --fabric out, or `famulus down` and `famulus up --coherence none` first; "
            "`famulus trace` and `top` work as it is.",
        )


def _number(request: Request, folder: FabricFolder) -> int:
    """Return on how many nodes to run: on all that there are, or two, unless it is said."""
    if request.nodes or not folder.exists():
        return request.nodes or 2
    return folder.read().spec.nodes


@dataclass(frozen=True)
class _Run:
    """One run of the program, in `nodes`."""

    fabric: Fabric
    nodes: Sequence[Node]
    request: Request

    def watched(self, program: Sequence[str], on_line: OnLine, events: Events) -> Report:
        """Run it, and return what the analyser and the nodes say of it."""
        request = self.request
        argv = [*program, *request.words]
        command = launch_command(argv, len(self.nodes), request.timeout)
        with only_reader(Caches(self.fabric.pool)) as stream:
            codes, said = self._run(command, stream, on_line, events)
        if any(code in CANNOT for code in codes.values()):
            brief = f"{request.program} cannot be run in the nodes"
            raise FamulusError(brief, hint="Is it there, executable, and x86-64?")
        with events.step("name what was found"):
            defects = named(self.fabric, self.nodes, said, request.program)
        seen = sum(line.get("events", 0) for line in said)
        gaps = sum(line.get("gaps", 0) for line in said)
        return Report(request.program, codes, seen, defects, gaps)

    def _run(
        self, command: str, stream: Path, on_line: OnLine, events: Events
    ) -> tuple[dict[int, int], list[dict[str, Any]]]:
        """Return the exit codes by node, and what the analyser says.

        The nodes' caches are empty before, as the analyser takes them for, and after: what is left
        there is not to come up in the next run.
        """
        words = ["--notes"] if self.request.notes else []
        drop_caches(self.fabric, self.nodes)
        with Watch(build.ensure().analyser, stream, words) as watch:
            with streams(self.nodes), events.step("run and watch"):
                codes = launch(self.fabric, self.nodes, command, on_line)
            said = watch.finish()
        drop_caches(self.fabric, self.nodes)
        return codes, said


def named(
    fabric: Fabric, nodes: Sequence[Node], said: list[dict[str, Any]], program: str
) -> list[Defect]:
    """Return what the analyser has `said` of `nodes`, each distinct defect once, with names.

    `program` is what was given to the nodes, if anything was.
    """
    defects = [parse_defect(line) for line in said if "kind" in line]
    if not defects:
        return []

    def ask(node: int, command: str) -> str:
        return ask_node(fabric, fabric.node(node), command)

    symbols = Symbols(said, _processes(fabric, nodes, said), ask)
    regions = directory.read(fabric.pool)
    placed = [
        replace(defect, region=region_at(regions, defect.offset)).with_files(
            lambda file: on_host(file, program)
        )
        for defect in without_polls(symbols.name(defects), symbols)
    ]
    return merged(suppress.apply(_OURS, placed))


def _processes(
    fabric: Fabric, nodes: Sequence[Node], said: list[dict[str, Any]]
) -> dict[tuple[int, int], Process]:
    """Return what is known of each process, by node and number."""
    numbers: dict[int, set[int]] = {}
    for line in said:
        if "process" in line:
            numbers.setdefault(line["node"], set()).add(line["group"])
    return {
        (node, number): process
        for node, shown in kept_processes(fabric, nodes, numbers).items()
        for number, process in parse_processes(shown).items()
    }


def region_at(regions: directory.Directory, offset: int) -> str:
    """Return the name of the region at `offset` of the pool, or an empty string."""
    if offset >= regions.start:
        return "the directory"
    for region in regions.regions:
        if region.offset <= offset < region.offset + region.size:
            return region.name
    return ""
