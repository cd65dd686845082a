# SPDX-License-Identifier: GPL-2.0-or-later
"""From a program counter to function and source line, with what a node's own binutils say."""

import re
import shlex
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from famulus.checker.report.model import Defect, Event, Frame

Ask = Callable[[int, str], str]  # a node and a shell command: what it prints

_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \S+ *(.*)")
_SEGMENT = re.compile(r"\s+LOAD\s+0x(\w+) 0x(\w+) 0x\w+ 0x(\w+)")
_LINE = re.compile(r"(.*):(\d+|\?)(?: \(discriminator \d+\))?$")
_INTRINSICS = re.compile(r"/lib/gcc/[^/]+/\d+/include/|/lib/clang/\d+/include/")
_COLUMNS = 4
_MARK = "== "  # begins a line that names a file


@dataclass(frozen=True)
class Mapping_:  # noqa: N801 - proc(5) calls it so
    """A line of /proc/PID/maps."""

    start: int
    end: int
    offset: int
    path: str


@dataclass(frozen=True)
class Process:
    """A process as the launcher has left it: its name and what it had mapped."""

    name: str
    mappings: tuple[Mapping_, ...]
    script: Mapping[int, Frame] = field(default_factory=dict)  # a script's lines, by number

    def find(self, pc: int) -> Mapping_ | None:
        """Return the file's mapping that `pc` lies in."""
        for mapping in self.mappings:
            if mapping.start <= pc < mapping.end and mapping.path.startswith("/"):
                return mapping
        return None


def parse_process(text: str) -> Process:
    """Return the process whose file of the launcher's is `text`: a name, then its maps."""
    name, _, maps = text.partition("\n")
    found = (_MAPPING.match(line) for line in maps.splitlines())
    mappings = (
        Mapping_(int(m[1], 16), int(m[2], 16), int(m[4], 16), m[5].removesuffix(" (deleted)"))
        for m in found
        if m
    )
    return Process(name, tuple(mappings))


def parse_script(text: str) -> dict[int, Frame]:
    """Return the lines of a script whose numbers the file `text` of the launcher explains."""
    rows = (line.split("\t", 3) for line in text.splitlines())
    return {int(row[0]): Frame(row[3], row[2], int(row[1])) for row in rows if len(row) == _COLUMNS}


def parse_marked(text: str) -> dict[str, str]:
    """Return what follows each line `== NAME`, by name."""
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(_MARK):
            lines = parts.setdefault(line.removeprefix(_MARK), [])
        else:
            lines.append(line)
    return {name: "\n".join(lines) for name, lines in parts.items()}


def parse_processes(text: str) -> dict[int, Process]:
    """Return the processes that the launcher has kept, by number: marked files, see above."""
    files = parse_marked(text)
    return {
        int(name): replace(parse_process(kept), script=parse_script(files.get(f"{name}.lines", "")))
        for name, kept in files.items()
        if name.isdigit()
    }


def link_address(headers: str, offset: int) -> int | None:
    """Return the address that the linker gave to file offset `offset`, by `readelf -lW`."""
    for found in _SEGMENT.finditer(headers):
        start, address, size = (int(part, 16) for part in found.groups())
        if start <= offset < start + size:
            return address + offset - start
    return None


def parse_frames(text: str) -> dict[int, tuple[Frame, ...]]:
    """Return the frames of each address of `addr2line -a -f -C -i`, the innermost first.

    An intrinsic, `_mm_clflush` say, is what its caller's line says, and no frame.
    """
    frames: dict[int, tuple[Frame, ...]] = {}
    lines = text.splitlines()
    address = function = None
    for line in lines:
        if line.startswith("0x") and function is None:
            address = int(line, 16)
            frames[address] = ()
        elif function is None:
            function = line
        elif address is not None:
            frames[address] += _frame(function, line)
            function = None
    return {address: _without_intrinsics(of) for address, of in frames.items()}


def _without_intrinsics(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    return tuple(frame for frame in frames if not _INTRINSICS.search(frame.file)) or frames


def _frame(function: str, place: str) -> tuple[Frame, ...]:
    found = _LINE.match(place)
    file, line = (found[1], found[2]) if found else ("", "?")
    if function == "??" and line in ("?", "0"):
        return ()
    return (Frame(function, "" if file == "??" else file, int(line) if line.isdigit() else 0),)


class Symbols:
    """Names events of nodes; `said` is the analyser's, `processes` by node and number."""

    def __init__(
        self,
        said: Iterable[Mapping[str, Any]],
        processes: Mapping[tuple[int, int], Process],
        ask: Ask,
    ) -> None:
        self._processes = processes
        self._ask = ask
        self._spaces: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for line in said:
            if "process" in line:
                of = self._spaces.setdefault((line["node"], line["space"]), [])
                of.append((line["seq"], line["group"]))
        self._frames: dict[tuple[int, str, int], tuple[Frame, ...]] = {}
        self._addresses: dict[tuple[int, str, int], int] = {}

    def name(self, defects: Sequence[Defect]) -> list[Defect]:
        """Return the defects with each event's process, program and frames, as far as known."""
        events = [event for defect in defects for event in defect.events.values()]
        places = {place for event in events if (place := self._place(event))}
        for node in {node for node, _, _ in places}:
            self._learn(node, [(path, at) for of, path, at in places if of == node])
        return [
            replace(d, events={name: self._named(event) for name, event in d.events.items()})
            for d in defects
        ]

    def address(self, event: Event) -> tuple[str, int] | None:
        """Return the file that the event's instruction is of, and its address there, if known."""
        place = self._place(event)
        address = self._addresses.get(place) if place else None
        return None if place is None or address is None else (place[1], address)

    def _process(self, event: Event) -> int:
        of = self._spaces.get((event.node, event.space), [])
        at = bisect_right(of, (event.seq, 1 << 62)) - 1
        return of[max(at, 0)][1] if of else 0

    def _place(self, event: Event) -> tuple[int, str, int] | None:
        process = self._processes.get((event.node, self._process(event)))
        mapping = process.find(event.pc) if process else None
        if mapping is None:
            return None
        return event.node, mapping.path, event.pc - mapping.start + mapping.offset

    def _named(self, event: Event) -> Event:
        number, place = self._process(event), self._place(event)
        process = self._processes.get((event.node, number))
        frames = self._frames.get(place, ()) if place else ()
        if place and not frames:
            frames = (Frame(f"{place[1].rpartition('/')[2]}+{place[2]:#x}"),)
        if process and event.script_line in process.script:
            frames = (process.script[event.script_line], *frames)
        program = process.name if process else ""
        return replace(event, process=number, program=program, frames=frames)

    def _learn(self, node: int, places: Sequence[tuple[str, int]]) -> None:
        paths = sorted({path for path, _ in places})
        headers = self._in_files(node, dict.fromkeys(paths, "readelf -lW"))
        addresses = {
            (path, at): link_address(headers.get(path, ""), at) for path, at in sorted(places)
        }
        commands = {}
        for path in paths:
            wanted = [hex(a) for (of, _), a in addresses.items() if of == path and a is not None]
            if wanted:
                commands[path] = f"addr2line -a -f -C -i {' '.join(wanted)} -e"
        named = {path: parse_frames(text) for path, text in self._in_files(node, commands).items()}
        for (path, at), address in addresses.items():
            if address is not None:
                self._addresses[node, path, at] = address
                self._frames[node, path, at] = named.get(path, {}).get(address, ())

    def _in_files(self, node: int, commands: Mapping[str, str]) -> dict[str, str]:
        """Run each command on its file, which stands last, and return what they print by file."""
        if not commands:
            return {}
        lines = [
            f"echo {shlex.quote(_MARK + path)}; {command} {shlex.quote(path)} 2>/dev/null || true"
            for path, command in commands.items()
        ]
        return parse_marked(self._ask(node, "; ".join(lines)))
