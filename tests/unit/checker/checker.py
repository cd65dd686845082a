# SPDX-License-Identifier: GPL-2.0-or-later
"""The checker without nodes: invented events, and the corpus in processes that act as nodes."""

import atexit
import csv
import functools
import json
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from famulus.checker import build
from famulus.checker.analyser import Analyser
from famulus.checker.code.polls import without_polls
from famulus.checker.code.processes import MappedFile, Process
from famulus.checker.code.symbols import Symbols
from famulus.checker.report.model import Defect, merged, parse_defect
from tests.places import CHECKER_CORPUS, ROOT
from tests.unit.timeouts import TIMEOUT

HERE = Path(__file__).parent
CORPUS = CHECKER_CORPUS
NONE = 2**64 - 1
KINDS = (
    *("none", "load", "store", "nt", "locked", "clflush", "clflushopt", "clwb", "wbinvd"),
    *("sfence", "mfence", "lfence", "pushed", "evicted", "process", "exit", "up", "down"),
)

_EVENT = struct.Struct("<7QHBBB3x")
_WRAPPED = "-Wl,--wrap=open,--wrap=mmap,--wrap=memcpy,--wrap=memset"
_TRACED = ("-fsanitize=thread", "-fno-builtin-memcpy", "-fno-builtin-memset")
_FIXED = ("-no-pie", "-fno-pie", "-g", "-O1", "-std=gnu11")


def expected() -> dict[str, str]:
    """Return the kind of defect of each program of the corpus, "" for a program without one."""
    with (CORPUS / "expected.csv").open(encoding="utf-8", newline="") as file:
        return dict(csv.reader(file))


@functools.cache
def analyser() -> Path:
    """Return the analyser, compiled once for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="famulus-analyser-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(build.compile_arguments(folder)[0], check=True, timeout=TIMEOUT)
    return folder / "famulus-analyser"


class Story:
    """Events in their order; by default each has a program counter of its own."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._seq = 1

    def tell(
        self,
        node: int,
        kind: str,
        offset: int = NONE,
        value: int = 0,
        *,
        size: int = 8,
        old: int = 0,
        pc: int | None = None,
        space: int | None = None,
    ) -> "Story":
        at = 0x1000 + self._seq if pc is None else pc
        tables = node << 12 if space is None else space
        words = (self._seq, at, offset, tables, node, value, old, size, KINDS.index(kind), node, 0)
        self.data += _EVENT.pack(*words)
        self._seq += 1
        return self

    def lose(self, events: int = 1) -> "Story":
        """Draw numbers of events that are lost."""
        self._seq += events
        return self

    def defects(self, *words: str) -> list[dict[str, Any]]:
        return [found for found in self.output(*words) if "kind" in found]

    def output(self, *words: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [str(analyser()), *words, "--replay", "-"],
            input=bytes(self.data),
            capture_output=True,
            check=True,
            timeout=TIMEOUT,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def kinds(self, *words: str) -> list[str]:
        return sorted(found["kind"] for found in self.defects(*words))


def gcc(*words: str | Path) -> None:
    subprocess.run(["gcc", *map(str, words)], check=True, timeout=TIMEOUT)


def compile_nodes(folder: Path) -> Path:
    """Compile the replacement of nodes, once for all programs."""
    made = folder / "check_nodes.o"
    include = f"-I{ROOT / 'native' / 'include'}"
    gcc("-std=gnu11", "-O1", include, "-c", HERE / "check_nodes.c", "-o", made)
    return made


def run_program(name: str, nodes_object: Path, folder: Path, nodes: int = 2) -> list[Defect]:
    """Run a program of the corpus on processes of the host, and return its defects."""
    program, part = folder / name, folder / f"{name}.o"
    include = ("-include", HERE / "check_nodes.h")
    gcc(*_FIXED, *_TRACED, *include, "-c", CORPUS / f"{name}.c", "-o", part)
    gcc(*_FIXED, "-o", program, part, nodes_object, "-pthread", _WRAPPED)
    with Analyser(analyser(), folder) as running:
        started = [_start(program, folder, node, nodes) for node in range(1, nodes + 1)]
        codes = [process.wait(TIMEOUT) for process in started]
        output = running.finish()
    assert codes == [0] * nodes
    return _named(program, output)


def _start(program: Path, folder: Path, node: int, nodes: int) -> subprocess.Popen[bytes]:
    own = {"FAMULUS_TEST": folder, "FAMULUS_NODE": node, "FAMULUS_NODES": nodes}
    env = {**os.environ, **{key: str(value) for key, value in own.items()}}
    return subprocess.Popen([program], env=env, stdout=subprocess.DEVNULL)


def _named(program: Path, output: Sequence[Mapping[str, Any]]) -> list[Defect]:
    mapped = Process(program.name, (MappedFile(0x400000, 0x500000, 0, str(program)),))
    groups = {(line["node"], line["group"]): mapped for line in output if "process" in line}
    symbols = Symbols(output, groups, _ask)
    defects = symbols.name([parse_defect(line) for line in output if "kind" in line])
    return merged(without_polls(defects, symbols))


def _ask(_node: int, command: str) -> str:
    argv = [shutil.which("sh") or "sh", "-c", command]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=TIMEOUT).stdout
