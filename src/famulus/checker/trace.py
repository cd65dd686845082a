# SPDX-License-Identifier: GPL-2.0-or-later
"""Traces: counts of each node's accesses to each line, see native/analyser/trace.h. Pure.

Offsets are bytes of the pool.
"""

import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from famulus.base.errors import FamulusError

_HEADER = struct.Struct("<8sIIQ")
_TALLY = struct.Struct("<3Q5IB3x")
_MAGIC, _VERSION = b"FAMTRACE", 2
PAGE = 4096


@dataclass(frozen=True)
class Tally:
    """The accesses of one node to the line at `line`; `loaded` and `stored` have a bit per byte."""

    line: int
    loaded: int
    stored: int
    loads: int
    stores: int
    locked: int
    flushes: int
    handovers: int
    node: int

    @property
    def accesses(self) -> int:
        """Loads, stores and locked instructions."""
        return self.loads + self.stores + self.locked


@dataclass(frozen=True)
class Trace:
    """Tallies, and the number of events that are in no tally because the reader was too slow."""

    tallies: list[Tally]
    lost: int = 0


def read(path: Path) -> Trace:
    """Return the trace of the file `path`. Raises FamulusError if it is no trace."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FamulusError(f"{path} cannot be read: {error.strerror}") from error
    head = _HEADER.unpack_from(data) if len(data) >= _HEADER.size else (b"", 0, 0, 0)
    if head[:3] != (_MAGIC, _VERSION, _TALLY.size):
        raise FamulusError(f"{path} is no trace", hint="`famulus trace record FILE` makes a trace.")
    body = data[_HEADER.size :]
    rows = _TALLY.iter_unpack(body[: len(body) // 48 * 48])
    return Trace([Tally(*words) for words in rows], head[3])


def parse_live(printed: dict[str, Any]) -> Trace:
    """Return the trace of an object that the analyser prints while it runs."""
    tallies = [Tally(loaded=0, stored=0, **line) for line in printed.get("lines", [])]
    return Trace(tallies, printed.get("lost", 0))


def by_line(tallies: Iterable[Tally]) -> dict[int, list[Tally]]:
    """Return the tallies by the offset of their line, the busiest line first."""
    lines: dict[int, list[Tally]] = {}
    for tally in tallies:
        lines.setdefault(tally.line, []).append(tally)
    busy = sorted(lines, key=lambda at: -sum(tally.accesses for tally in lines[at]))
    return {at: sorted(lines[at], key=lambda tally: tally.node) for at in busy}


def is_falsely_shared(tallies: Sequence[Tally]) -> bool:
    """Tell whether nodes use one line for different bytes, and one of them stores."""
    return any(
        one.stored
        and (other.stored or other.loaded)
        and not one.stored & (other.stored | other.loaded)
        and not other.stored & (one.stored | one.loaded)
        for one in tallies
        for other in tallies
        if one.node != other.node
    )


def summary(trace: Trace, name: Callable[[int], str]) -> dict[str, Any]:
    """Return totals by node and region, the falsely shared lines, and the number of lost events.

    `name` returns the region of an offset.
    """
    tallies, lines = trace.tallies, by_line(trace.tallies)
    nodes: dict[int, Counter[str]] = {}
    regions: dict[str, Counter[str]] = {}
    for tally in tallies:
        counts = {
            "loads": tally.loads,
            "stores": tally.stores,
            "locked": tally.locked,
            "flushes": tally.flushes,
            "handovers": tally.handovers,
        }
        nodes.setdefault(tally.node, Counter()).update(counts)
        regions.setdefault(name(tally.line), Counter()).update(counts)
    return {
        "nodes": {str(node): dict(nodes[node]) for node in sorted(nodes)},
        "regions": {region: dict(regions[region]) for region in sorted(regions)},
        "pages": len({tally.line // PAGE for tally in tallies}),
        "lines": len(lines),
        "lost": trace.lost,
        "falsely_shared": [at for at, those in lines.items() if is_falsely_shared(those)],
    }
