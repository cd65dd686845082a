# SPDX-License-Identifier: GPL-2.0-or-later
"""Source lines of addresses, by addr2line. Pure."""

import re
from collections.abc import Iterable

from famulus.checker.report.model import Frame

_LINE = re.compile(r"(.*):(\d+|\?)(?: \(discriminator \d+\))?$")
_INTRINSICS = re.compile(r"/lib/gcc/[^/]+/\d+/include/|/lib/clang/\d+/include/")


def command(addresses: Iterable[int]) -> str:
    """Return the command that prints the frames of `addresses`; the file is its last word."""
    return f"addr2line -a -f -C -i {' '.join(map(hex, addresses))} -e"


def parse_frames(text: str) -> dict[int, tuple[Frame, ...]]:
    """Return the frames of each address that `command` prints, the innermost first.

    An intrinsic, `_mm_clflush` say, has no frame: its caller's line stands for both.
    """
    frames: dict[int, tuple[Frame, ...]] = {}
    address = function = None
    for line in text.splitlines():
        if line.startswith("0x") and function is None:
            address = int(line, 16)
            frames[address] = ()
        elif function is None:
            function = line
        elif address is not None:
            frames[address] += _frame(function, line)
            function = None
    return {address: _without_intrinsics(found) for address, found in frames.items()}


def _without_intrinsics(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    return tuple(frame for frame in frames if not _INTRINSICS.search(frame.file)) or frames


def _frame(function: str, place: str) -> tuple[Frame, ...]:
    found = _LINE.match(place)
    file, line = (found[1], found[2]) if found else ("", "?")
    if function == "??" and line in ("?", "0"):
        return ()
    return (Frame(function, "" if file == "??" else file, int(line) if line.isdigit() else 0),)
