# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a program on all nodes at once under the checker, and report what is wrong with it."""

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from famulus import ssh
from famulus.check import build
from famulus.check.model import NOTES, Defect, merged, parse_defect
from famulus.check.polls import without_polls
from famulus.check.symbols import Process, Symbols, parse_marked, parse_process
from famulus.check.watch import Watch
from famulus.coherence.caches import CACHES, STREAMS, Caches
from famulus.errors import FamulusError, UsageError
from famulus.events import Events
from famulus.fabric.down import down
from famulus.fabric.execute import execute
from famulus.fabric.fabric import Fabric, open_fabric
from famulus.fabric.parallel import each
from famulus.fabric.up import up
from famulus.node import lifecycle
from famulus.node.node import Node
from famulus.pool import directory
from famulus.run import run
from famulus.state import FabricFolder

OnLine = Callable[[Node, str], None]

_FOLDER = "/var/tmp/famulus-check"  # noqa: S108 - in a node, made anew for each run
_COPY_LIMIT = 120.0
_LIMIT = 300.0  # seconds for a compilation or for addr2line in a node, under TCG
_OVER = 124  # of timeout(1)
_CANNOT = (126, 127)
_FLAGS = "-g -O1 -pthread"


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
        return _OVER in self.codes.values()

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
            command = _prepare(fabric, request)
        return _watched(fabric, request, command, on_line, events)


@contextmanager
def _fabric(request: Request, events: Events) -> Iterator[Fabric]:
    name = request.fabric or f"check-{os.getpid()}"
    flags: dict[str, object] = {"nodes": _number(request, name), "coherence": "none"}
    try:
        yield up(name, flags, request.settings, events)
    finally:
        if request.fabric is None and FabricFolder(name).path.exists():
            down(name, events, purge=True, force=True)


def _number(request: Request, name: str) -> int:
    if request.nodes or not FabricFolder(name).exists():
        return request.nodes or 2
    return open_fabric(name).spec.nodes


def _prepare(fabric: Fabric, request: Request) -> list[str]:
    """Have the program and the launcher in all nodes, and return the program's command."""
    program = Path(request.program)
    files = [build.ensure().launcher]
    if program.is_file():
        files.append(program)
    if program.suffix == ".c":
        files += program.parent.glob("*.h")
    elif not program.is_file() and not request.program.startswith("/"):
        raise UsageError(
            f"there is no file {program}",
            hint="PROGRAM is a file of this host, or a path from / that exists in the nodes.",
        )
    nodes = fabric.nodes()
    _all(fabric, nodes, f"rm -rf {_FOLDER}; mkdir -p {_FOLDER}/processes")
    each(nodes, lambda node: _copy(fabric, node, files))
    if not program.is_file():
        return [request.program]
    path = f"{_FOLDER}/{program.name}"
    if program.suffix == ".c":
        compiled = path.removesuffix(".c")
        flags = f"{_FLAGS} -o {shlex.quote(compiled)} {shlex.quote(path)} -lfamulus -lm"
        _all(fabric, nodes, f"gcc {flags}")
        path = compiled
    _all(fabric, nodes, f"chmod +x {shlex.quote(path)}")
    return [path]


def _copy(fabric: Fabric, node: Node, files: Sequence[Path]) -> None:
    paths = [*map(str, files), f"{node.name}:{_FOLDER}/"]
    run(ssh.copy(fabric.ssh_config, paths, recursive=False), timeout=_COPY_LIMIT)


def _ask(fabric: Fabric, node: Node, command: str) -> str:
    argv = ssh.login(fabric.ssh_config, node.name, None, [command], tty=False)
    return run(argv, timeout=_LIMIT).stdout


def _all(fabric: Fabric, nodes: Sequence[Node], command: str) -> dict[int, str]:
    return each(nodes, lambda node: _ask(fabric, node, command))


def _command(request: Request, nodes: int, program: Sequence[str]) -> str:
    """Return the shell command that runs the program in a node of `nodes`, as root."""
    launched = [f"{_FOLDER}/launch", f"{_FOLDER}/processes", *program, *request.words]
    limit = ["timeout", "-k", "5", f"{request.timeout:g}"]
    number = "FAMULUS_NODE=$(hostname | tr -dc 0-9)"
    return f"sudo env {number} FAMULUS_NODES={nodes} {shlex.join([*limit, *launched])}"


def _watched(
    fabric: Fabric, request: Request, program: Sequence[str], on_line: OnLine, events: Events
) -> Report:
    nodes, tools = fabric.nodes(), build.ensure()
    words = ["--notes"] if request.notes else []
    command = _command(request, len(nodes), program)
    with Watch(tools.analyser, Caches(fabric.pool).stream, words) as watch:
        with _streams(nodes), events.step("run and watch"):
            codes = execute(fabric, nodes, [command], on_line)
        said = watch.finish()
    if any(code in _CANNOT for code in codes.values()):
        raise FamulusError(f"{request.program} cannot be run in the nodes", hint="Is it x86-64?")
    with events.step("name what was found"):
        defects = _named(fabric, said)
    seen = sum(line.get("events", 0) for line in said)
    return Report(request.program, codes, seen, defects)


@contextmanager
def _streams(nodes: Sequence[Node]) -> Iterator[None]:
    """Have the nodes tell of their accesses while the block runs."""
    try:
        each(nodes, lambda node: lifecycle.watch(node, CACHES | STREAMS))
        yield
    finally:
        each(nodes, lambda node: lifecycle.watch(node, CACHES))


def _named(fabric: Fabric, said: list[dict[str, Any]]) -> list[Defect]:
    defects = [parse_defect(line) for line in said if "kind" in line]
    if not defects:
        return []

    def ask(node: int, command: str) -> str:
        return _ask(fabric, fabric.node(node), command)

    symbols = Symbols(said, _processes(fabric), ask)
    named = without_polls(symbols.name(defects), symbols, ask)
    regions = directory.read(fabric.pool)
    return merged(replace(defect, region=_region(regions, defect.offset)) for defect in named)


def _processes(fabric: Fabric) -> dict[tuple[int, int], Process]:
    """Return what the launcher has kept of each process, by node and number."""
    show = f'cd {_FOLDER}/processes && for f in *; do echo "== $f"; sudo cat "$f"; done'
    found = _all(fabric, fabric.nodes(), show)
    return {
        (node, int(name)): parse_process(text)
        for node, shown in found.items()
        for name, text in parse_marked(shown).items()
        if name.isdigit()
    }


def _region(regions: directory.Directory, offset: int) -> str:
    if offset >= regions.start:
        return "the directory"
    for region in regions.regions:
        if region.offset <= offset < region.offset + region.size:
            return region.name
    return ""
