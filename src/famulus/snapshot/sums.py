# SPDX-License-Identifier: GPL-2.0-or-later
"""Check sums over a snapshot's files: a node must not start from memory that has changed.

Sums over half a gigabyte at each start would cost more than the start. Files whose sums were right
after the host's boot, and that nobody has written to since, count as unchanged: their pages are in
the host's memory.

A sum depends on the bytes of a file alone, not on its holes: a copy has other holes.
"""

import contextlib
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

from famulus.base import sparse
from famulus.base.errors import FamulusError
from famulus.base.waiting import check_interrupt

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STAMP = "verified"
_BLOCK = 65536  # bytes
_ZEROS = bytes(_BLOCK)


def sums_of(folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Return the size and check sum of each file."""
    return {name: _sum(folder / name) for name in names}


def intact(folder: Path, sums: Mapping[str, str]) -> bool:
    """Return whether the files in `folder` still have the check sums `sums`.

    Only a missing file or another sum counts as damage. Raises FamulusError if the host cannot read
    a file.
    """
    try:
        now = _stamp(folder, sums)
        if _last_stamp(folder) == now:
            return True
        if any(_again(folder / name, known) != known for name, known in sums.items()):
            return False
    except FileNotFoundError:
        return False
    except OSError as error:
        raise FamulusError(
            f"cannot check the files in {folder}: {error.strerror}", hint="Nothing was changed."
        ) from error
    with contextlib.suppress(OSError):  # on a full disk the sums are checked again next time
        (folder / _STAMP).write_text(json.dumps(now), encoding="ascii")
    return True


def _sum(path: Path) -> str:
    total, offset = 0, 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while (data := sparse.next_data(file.fileno(), offset, size)) < size:
            check_interrupt()
            offset = data // _BLOCK * _BLOCK
            block = os.pread(file.fileno(), _BLOCK, offset)
            if block != _ZEROS[: len(block)]:
                total = zlib.crc32(block, zlib.crc32(b"%d" % offset, total))
            offset += _BLOCK
    return f"{size} {total:08x} blocks"


def _again(path: Path, known: str) -> str:
    """Return the check sum, made in the way in which `known` was made."""
    return _sum(path) if known.endswith(" blocks") else _sum_of_pieces(path)


def _sum_of_pieces(path: Path) -> str:
    """Return the check sum as release 0.1.0 made it; it depends on the holes."""
    total = 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        for piece in sparse.pieces(file.fileno(), 0, size):
            if piece.data is not None and any(piece.data):
                total = zlib.crc32(piece.data, zlib.crc32(b"%d" % piece.offset, total))
    return f"{size} {total:08x}"


def _stamp(folder: Path, names: Mapping[str, str]) -> list[object]:
    """Return values that change when a file is written to or the host boots."""
    stats = [(folder / name).stat() for name in sorted(names)]
    times = [[s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns] for s in stats]
    return [_BOOT_ID.read_text(encoding="ascii").strip(), *times]


def _last_stamp(folder: Path) -> object:
    try:
        return json.loads((folder / _STAMP).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
