# SPDX-License-Identifier: GPL-2.0-or-later
"""Check sums over a snapshot's files: a node must not start from memory that has changed.

To sum up half a gigabyte at each start would cost more than the start. What was found whole since
the host booted, and was not written to since, is taken to be whole: its pages are in memory.
"""

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

from famulus.base import sparse

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STAMP = "verified"


def sums_of(folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Return the size and check sum of each file; that of a sparse one over its data and holes."""
    return {name: _sum(folder / name) for name in names}


def intact(folder: Path, sums: Mapping[str, str]) -> bool:
    """Tell whether the files in `folder` are those that `sums` were made from."""
    try:
        now = _stamp(folder, sums)
        if _last_stamp(folder) == now:
            return True
        if sums_of(folder, tuple(sums)) != dict(sums):
            return False
        (folder / _STAMP).write_text(json.dumps(now), encoding="ascii")
    except OSError:
        return False
    return True


def _sum(path: Path) -> str:
    total = 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        for piece in sparse.pieces(file.fileno(), 0, size):
            if piece.data is not None and any(piece.data):
                total = zlib.crc32(piece.data, zlib.crc32(b"%d" % piece.offset, total))
    return f"{size} {total:08x}"


def _stamp(folder: Path, names: Mapping[str, str]) -> list[object]:
    """Return what changes when a file is written to or the host has booted anew."""
    stats = [(folder / name).stat() for name in sorted(names)]
    times = [[one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns] for one in stats]
    return [_BOOT_ID.read_text(encoding="ascii").strip(), *times]


def _last_stamp(folder: Path) -> object:
    try:
        return json.loads((folder / _STAMP).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
