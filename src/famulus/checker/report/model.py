# SPDX-License-Identifier: GPL-2.0-or-later
"""Defects and reports as data. Offsets and sizes are bytes of the pool."""

import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

KINDS = {
    "stale read": "A node loaded bytes that are older than the store that it knew of.",
    "unflushed publication": "A flag became visible before the data that the flag publishes.",
    "lost update": "Two nodes stored in one line, and one node's stores undo the other's.",
    "missing fence": "No fence orders a write-back or an invalidation before its users.",
    "unflushed at exit": "A process ended and left stores in its node's cache.",
    "data race": "Two nodes accessed the same bytes, one stored, and nothing orders the accesses.",
    "write-back of a clean line": "A write-back of a line without new stores.",
    "double flush": "A line was flushed twice with no access in between.",
}
NOTES = ("write-back of a clean line", "double flush")  # on performance: nothing is wrong


@dataclass(frozen=True)
class Frame:
    """A place in a program; `line` 0 is unknown."""

    function: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.function} {place}".strip()


@dataclass(frozen=True)
class Event:
    """One access or flush. The innermost frame is the first of `frames`."""

    what: str
    node: int
    space: int
    thread: int
    pc: int
    offset: int
    size: int
    value: int
    seq: int
    script_line: int = 0  # the process' number of a line, see native/launcher/python; 0: no script
    process: int = 0
    program: str = ""
    frames: tuple[Frame, ...] = ()

    @property
    def site(self) -> str:
        """The place in the program, in a word or two."""
        return str(self.frames[0]) if self.frames else f"{self.pc:#x}"

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        frame = self.frames[0] if self.frames else Frame("")
        source = f"{frame.file}:{frame.line}" if frame.line else ""
        return {
            "what": self.what,
            "node": self.node,
            "process": self.process,
            "program": self.program,
            "thread": self.thread,
            "pc": self.pc,
            "function": frame.function,
            "source": source,
            "frames": [
                {"function": f.function, "file": f.file, "line": f.line} for f in self.frames
            ],
            "offset": self.offset,
            "size": self.size,
            "value": self.value,
            "order": self.seq,
        }


@dataclass(frozen=True)
class Defect:
    """A defect; `first` is its store or flush, `second` the access that conflicts with `first`."""

    kind: str
    count: int
    line: int
    note: str
    ranges: tuple[tuple[int, int], ...]
    events: Mapping[str, Event] = field(default_factory=dict)
    region: str = ""
    most: int = 0  # of `count`: the most at one place by one node
    polls: bool = False  # the instruction of the load polls other words
    uncertain: bool = False  # events were lost before the defect was found

    def with_files(self, name: Callable[[str], str]) -> "Defect":
        """Return the defect with each source file renamed by `name`."""
        return replace(
            self,
            events={
                role: replace(
                    event, frames=tuple(replace(f, file=name(f.file)) for f in event.frames)
                )
                for role, event in self.events.items()
            },
        )

    @property
    def first(self) -> Event:
        """The store or flush, which every defect has."""
        return self.events["first"]

    @property
    def second(self) -> Event | None:
        """The other node's access, if there is one."""
        return self.events.get("second")

    @property
    def offset(self) -> int:
        """The first byte of the defect."""
        return self.ranges[0][0] if self.ranges else self.first.offset

    @property
    def sites(self) -> tuple[str, ...]:
        """The places in the program; with kind and region, they make a defect distinct."""
        sides = (self.first, self.second)
        return tuple(side.site if side else "" for side in sides)

    def in_order(self) -> list[Event]:
        """Return the events in their order in time."""
        return sorted(self.events.values(), key=lambda event: event.seq)

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "count": self.count,
            "offset": self.offset,
            "region": self.region or None,
            "line": self.line,
            "bytes": [list(part) for part in self.ranges],
            "note": self.note,
            "uncertain": self.uncertain,
        }
        for name in ("first", "second", "flag", "flag_load"):
            event = self.events.get(name)
            found[name] = event.as_json() if event else None
        flush = self.events.get("flush")
        found["last_flush"] = flush.as_json() if flush else None
        found["order"] = [f"node {event.node}: {event.what}" for event in self.in_order()]
        return found


@dataclass(frozen=True)
class End:
    """How a program ended in a node: `how` is exit, signal, time-out, not begun or lost."""

    how: str
    number: int = 0  # the exit code or the signal

    @property
    def open(self) -> bool:
        """Tell whether nobody knows how the program would have ended."""
        return self.how not in ("exit", "signal")

    @property
    def code(self) -> int | None:
        """The exit code as a shell has it, None if the program did not end by itself."""
        if self.open:
            return None
        return self.number + (128 if self.how == "signal" else 0)

    @property
    def sentence(self) -> str:
        """The end as a predicate, whose subject is the program."""
        return {
            "exit": f"returned {self.number}",
            "signal": f"was ended by {_signal(self.number)}",
            "time-out": "did not end in time (see --timeout)",
        }.get(self.how, "ended with the node, or ended unseen")

    def __str__(self) -> str:
        texts = {"exit": str(self.number), "signal": _signal(self.number)}
        return texts.get(self.how, self.how)


def parse_end(text: str) -> End:
    """Return the end that the launcher's `text` says (native/launcher/launch.c); empty: lost."""
    how, _, number = text.partition(" ")
    return End(how, int(number)) if number.isdigit() else End(text or "lost")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@dataclass(frozen=True)
class Report:
    """The result of a run: how the program ended in each node, and the defects."""

    program: str
    ends: dict[int, End] = field(default_factory=dict)
    events: int = 0
    defects: list[Defect] = field(default_factory=list)
    doubts: tuple[str, ...] = ()  # why there may be more, or fewer, defects
    failure: tuple[int, str] | None = None  # exit code and message of a check that failed

    @property
    def timed_out(self) -> bool:
        """Tell whether the program was ended because it took too long."""
        return any(end.how == "time-out" for end in self.ends.values())

    @property
    def wrong(self) -> list[Defect]:
        """The defects that are certain, without the notes on performance."""
        return [d for d in self.defects if d.kind not in NOTES and not d.uncertain]


SCRIPT_SHIFT, KERNEL_LINE = 48, 0xFFFF  # of a program counter, see native/plugin/script.h
_EVENTS = ("first", "second", "flag", "flag_load", "flush")


def parse_defect(printed: Mapping[str, Any]) -> Defect:
    """Return the defect of an object that the analyser printed."""
    events = {name: _parse_event(**printed[name]) for name in _EVENTS if name in printed}
    ranges = tuple((start, size) for start, size in printed["bytes"])
    return Defect(
        printed["kind"],
        printed["count"],
        printed["line"],
        printed.get("note", ""),
        ranges,
        events,
        most=printed.get("most", printed["count"]),
        polls=printed.get("polls", False),
        uncertain=printed.get("uncertain", False),
    )


def _parse_event(*, pc: int, **fields: Any) -> Event:  # noqa: ANN401 - as the analyser prints
    line = pc >> SCRIPT_SHIFT
    if line == KERNEL_LINE:
        return Event(pc=pc, **fields)
    return Event(pc=pc & (1 << SCRIPT_SHIFT) - 1, script_line=line, **fields)


def merged(defects: Iterable[Defect]) -> list[Defect]:
    """Return each distinct defect once: kind, source lines of both sides, region. Counts add up.

    A defect is certain if one of its parts is.
    """
    distinct: dict[tuple[object, ...], Defect] = {}
    for defect in defects:
        key = (defect.kind, defect.sites, defect.region)
        known = distinct.get(key)
        if known:
            uncertain = known.uncertain and defect.uncertain
            count = known.count + defect.count
            defect = replace(known, count=count, uncertain=uncertain)  # noqa: PLW2901
        distinct[key] = defect
    return list(distinct.values())
