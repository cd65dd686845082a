# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes of nodes, as the launcher keeps them: name, memory map, lines of a script. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from famulus.checker.report.model import Frame

_MAPPED = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \S+ *(.*)")
_COLUMNS = 4
MARK = "== "  # begins a line that names a file


@dataclass(frozen=True)
class MappedFile:
    """A line of /proc/PID/maps, see proc(5); addresses and the offset in the file are bytes."""

    start: int
    end: int
    offset: int
    path: str


@dataclass(frozen=True)
class Process:
    """A process: its name, the files in its memory, and the lines of its script by number."""

    name: str
    mapped: tuple[MappedFile, ...]
    script: Mapping[int, Frame] = field(default_factory=dict)

    def find(self, pc: int) -> MappedFile | None:
        """Return the mapped file that `pc` lies in."""
        for file in self.mapped:
            if file.start <= pc < file.end and file.path.startswith("/"):
                return file
        return None


def parse_process(text: str) -> Process:
    """Return the process of a file that the launcher writes: a line with its name, then its map."""
    name, _, maps = text.partition("\n")
    found = (_MAPPED.match(line) for line in maps.splitlines())
    mapped = (
        MappedFile(int(m[1], 16), int(m[2], 16), int(m[4], 16), m[5].removesuffix(" (deleted)"))
        for m in found
        if m
    )
    return Process(name, tuple(mapped))


def parse_script(text: str) -> dict[int, Frame]:
    """Return the lines of a script by number; the launcher's file `text` explains the numbers."""
    rows = (line.split("\t", 3) for line in text.splitlines())
    return {int(row[0]): Frame(row[3], row[2], int(row[1])) for row in rows if len(row) == _COLUMNS}


def parse_marked(text: str) -> dict[str, str]:
    """Return the lines that follow each line `== NAME`, by name."""
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(MARK):
            lines = parts.setdefault(line.removeprefix(MARK), [])
        else:
            lines.append(line)
    return {name: "\n".join(lines) for name, lines in parts.items()}


def parse_processes(text: str) -> dict[int, Process]:
    """Return the processes that the launcher keeps, by number, from marked files."""
    files = parse_marked(text)
    return {
        int(name): replace(parse_process(kept), script=parse_script(files.get(f"{name}.lines", "")))
        for name, kept in files.items()
        if name.isdigit()
    }
