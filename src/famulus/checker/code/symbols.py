# SPDX-License-Identifier: GPL-2.0-or-later
"""From a program counter to process, function and source line."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from famulus.checker.code import lines
from famulus.checker.code.elf import Elf
from famulus.checker.code.files import Ask, Files, in_files
from famulus.checker.code.processes import Process
from famulus.checker.report.model import Defect, Event, Frame

_LAST = 1 << 62  # no process has a higher number


@dataclass(frozen=True)
class _Place:
    """A byte of a node's file, by its offset."""

    node: int
    path: str
    offset: int


class Symbols:
    """Name the events of nodes by `output`, the analyser's, and `processes`.

    `processes` are those that the launcher keeps, by node and number.
    """

    def __init__(
        self,
        output: Iterable[Mapping[str, Any]],
        processes: Mapping[tuple[int, int], Process],
        ask: Ask,
    ) -> None:
        self._processes = processes
        self._ask = ask
        self._files = Files(ask)
        self._spaces = _processes_of_spaces(output)
        self._frames: dict[_Place, tuple[Frame, ...]] = {}

    def name(self, defects: Sequence[Defect]) -> list[Defect]:
        """Return the defects with each event's process, program and frames, as far as known."""
        events = [event for defect in defects for event in defect.events.values()]
        places = {place for event in events if (place := self._place(event))}
        for node in {place.node for place in places}:
            self._learn(node, [place for place in places if place.node == node])
        return [
            replace(d, events={name: self._named(event) for name, event in d.events.items()})
            for d in defects
        ]

    def instruction(self, event: Event) -> tuple[Elf, int] | None:
        """Return the file of the event's instruction, and the address there, if known."""
        place = self._place(event)
        file = self._files.get(place.node, place.path) if place else None
        address = file.link_address(place.offset) if place and file else None
        return None if file is None or address is None else (file, address)

    def _process(self, event: Event) -> int:
        found = self._spaces.get((event.node, event.space), [])
        at = bisect_right(found, (event.seq, _LAST)) - 1
        return found[max(at, 0)][1] if found else 0

    def _place(self, event: Event) -> _Place | None:
        process = self._processes.get((event.node, self._process(event)))
        mapped = process.find(event.pc) if process else None
        if mapped is None:
            return None
        return _Place(event.node, mapped.path, event.pc - mapped.start + mapped.offset)

    def _named(self, event: Event) -> Event:
        number, place = self._process(event), self._place(event)
        process = self._processes.get((event.node, number))
        frames = self._frames.get(place, ()) if place else ()
        if place and not frames:
            frames = (Frame(f"{place.path.rpartition('/')[2]}+{place.offset:#x}"),)
        if process and event.script_line in process.script:
            frames = (process.script[event.script_line], *frames)
        program = process.name if process else ""
        return replace(event, process=number, program=program, frames=frames)

    def _learn(self, node: int, places: Sequence[_Place]) -> None:
        """Fetch the files of `places`, all of `node`, and learn the frames of each place."""
        self._files.fetch(node, sorted({place.path for place in places}))
        by_file: dict[str, dict[_Place, int]] = {}
        for place in places:
            file = self._files.get(node, place.path)
            address = file.link_address(place.offset) if file else None
            if address is not None:
                by_file.setdefault(place.path, {})[place] = address
        commands = {path: lines.command(sorted(at.values())) for path, at in by_file.items()}
        for path, text in in_files(node, commands, self._ask).items():
            frames = lines.parse_frames(text)
            self._frames |= {p: frames.get(at, ()) for p, at in by_file[path].items()}


def _processes_of_spaces(
    output: Iterable[Mapping[str, Any]],
) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return since when which process has each address space, by node and address space.

    Each entry is a sequence number and a process number.
    """
    spaces: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for line in output:
        if "process" in line:
            found = spaces.setdefault((line["node"], line["space"]), [])
            found.append((line["seq"], line["group"]))
    return spaces
