# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a program on all nodes at once under the checker, and return a report of its defects."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.base.events import Events
from famulus.checker import build
from famulus.checker.analyser import Analyser
from famulus.checker.command import launch_command
from famulus.checker.hooks import CHECKER
from famulus.checker.launch import drop_caches, files_of, launch, outcomes, prepare
from famulus.checker.naming import Output, doubts_of, named, total
from famulus.checker.patience import told_of_waits
from famulus.checker.report.model import End, Report, parse_end
from famulus.checker.rings import only_reader, streams
from famulus.fabric.down import down
from famulus.fabric.fabric import Fabric
from famulus.fabric.up import up
from famulus.node.node import Node
from famulus.state.folder import FabricFolder

OnLine = Callable[[Node, str], None]  # gets each line that a node's program prints

# The settings of a fabric that the run makes, whatever is configured for fabrics that stay: a pool
# at its default place, a network of the user's own, and no other reader of the accesses.
_OF_ITS_OWN = {"pool_file": "", "network": "user", "accel": "auto", "check": False}


@dataclass(frozen=True)
class Request:
    """A program to check; `timeout` is seconds. Without `fabric` the run makes one of its own."""

    program: str
    words: Sequence[str] = ()
    nodes: int | None = None
    fabric: str | None = None
    timeout: float = 300.0
    notes: bool = False
    settings: Path | None = None


def check(request: Request, on_line: OnLine, events: Events) -> Report:
    """Run the program on all nodes, watched, and return the report.

    `on_line` gets each line that the program prints. A fabric that the run made is gone afterwards;
    a named fabric runs on. Raises FamulusError if the program could not be run.
    """
    files_of(request.program)  # a missing file is an error before any fabric starts
    with _fabric(request, events) as fabric:
        nodes = fabric.nodes()[: _number(request, fabric.folder)]
        with events.step("give the nodes the program"):
            command = prepare(fabric, nodes, request.program)
        return _Run(fabric, nodes, request).watched(command, on_line, events)


@contextmanager
def _fabric(request: Request, events: Events) -> Iterator[Fabric]:
    name = request.fabric or _unused_name()
    folder = FabricFolder(name)
    require_incoherent(folder)
    have = folder.read().spec.nodes if folder.exists() else 1
    number = max(have, _number(request, folder))
    flags: dict[str, object] = {"nodes": number, "coherence": "none"}
    if request.fabric is None:
        flags |= _OF_ITS_OWN
    try:
        yield up(name, flags, request.settings, events, CHECKER)
    except Interrupted:
        waiting.forget_interrupt()
        raise
    finally:
        if request.fabric is None and FabricFolder(name).path.exists():
            down(name, events, CHECKER, purge=True, force=True)


def _unused_name() -> str:
    """Return a name that no fabric has, not even one that a killed `check` left behind."""
    names = (f"check-{os.getpid()}-{count}" for count in itertools.count(1))
    return next(name for name in names if not FabricFolder(name).path.exists())


def require_incoherent(folder: FabricFolder) -> None:
    """Raise FamulusError for a fabric whose memory is coherent because of `--watch`."""
    if not folder.exists():
        return
    spec = folder.read().spec
    if spec.watch and not spec.noncoherent:
        raise FamulusError(
            f"the memory of the fabric '{folder.name}' is coherent: there is nothing to check",
            hint="Leave --fabric out, or `famulus down` and `famulus up --coherence none` first; "
            "`famulus trace` and `top` work with coherent memory.",
        )


def _number(request: Request, folder: FabricFolder) -> int:
    """Return the number of nodes to run on: the request's, else the fabric's, else 2."""
    if request.nodes or not folder.exists():
        return request.nodes or 2
    return folder.read().spec.nodes


@dataclass(frozen=True)
class _Run:
    """A run of the program in `nodes`."""

    fabric: Fabric
    nodes: Sequence[Node]
    request: Request

    def watched(self, program: Sequence[str], on_line: OnLine, events: Events) -> Report:
        """Run `program` and return the report."""
        request = self.request
        argv = [*program, *request.words]
        command = launch_command(argv, len(self.nodes), request.timeout)
        with only_reader(self.fabric.caches) as stream:
            doubts, output = self._run(command, stream, on_line, events)
        ends = {n: parse_end(text) for n, text in outcomes(self.fabric, self.nodes).items()}
        _require_begun(request.program, ends)
        with events.step("name the defects"):
            defects = named(self.fabric, self._alive(), output, request.program)
        seen = total(output, "events")
        return Report(request.program, ends, seen, defects, (*doubts, *doubts_of(output)))

    def _run(
        self, command: str, stream: Path, on_line: OnLine, events: Events
    ) -> tuple[list[str], Output]:
        """Return why events may be missing, and the analyser's output.

        The nodes' caches are emptied before, as the analyser assumes, and after, so that no store
        of this run appears in the next one.
        """
        words = ["--notes"] if self.request.notes else []
        drop_caches(self.fabric, self.nodes)
        with (
            Analyser(build.ensure().analyser, stream, words) as analyser,
            told_of_waits(self.nodes, stream, events),
        ):
            with streams(self.nodes) as doubts, events.step("run and watch"):
                launch(self.fabric, self.nodes, command, on_line)
            output = analyser.finish()
        drop_caches(self.fabric, self._alive())
        return doubts, output

    def _alive(self) -> list[Node]:
        """Return the nodes that still run: a program, or the user, may have ended a node."""
        return [node for node in self.nodes if node.state() == "running"]


def _require_begun(program: str, ends: Mapping[int, End]) -> None:
    where = [str(node) for node, end in ends.items() if end.how == "not begun"]
    if where:
        nodes = "node" if len(where) == 1 else "nodes"
        raise FamulusError(
            f"{program} cannot be run in {nodes} {', '.join(where)}",
            hint="Does the file exist there, executable and x86-64?",
        )
