# SPDX-License-Identifier: GPL-2.0-or-later
"""Read and write sparse files: data and holes, without reading the holes."""

import ctypes
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass

from famulus.base.units import MIB
from famulus.base.waiting import check_interrupt

CHUNK = MIB
_GRAIN = 16  # bytes; pieces begin at multiples from the start, as the lines of a dump do
_KEEP_SIZE = 0x01  # FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE, linux/falloc.h
_PUNCH_HOLE = 0x02

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Piece:
    """`length` bytes at `offset`: `data`, or a hole (zeros) if `data` is None."""

    offset: int
    length: int
    data: bytes | None


def pieces(fd: int, offset: int, end: int, *, cleanup: bool = False) -> Iterator[Piece]:
    """Yield the file's pieces from `offset` to `end` in order.

    A piece of data has at most CHUNK bytes, a hole is one piece of any length. The length of every
    piece but the last is a multiple of 16. Raises Interrupted between pieces when the user
    interrupts, unless `cleanup` is set.
    """
    while offset < end:
        if not cleanup:
            check_interrupt()
        hole = (min(_next(fd, offset, os.SEEK_DATA, end), end) - offset) // _GRAIN * _GRAIN
        if hole:
            yield Piece(offset, hole, None)
            offset += hole
            continue
        stop = _next(fd, offset, os.SEEK_HOLE, end) - offset
        length = min(-(-stop // _GRAIN) * _GRAIN or _GRAIN, CHUNK, end - offset)
        data = os.pread(fd, length, offset)
        if not data:  # the file has become shorter
            return
        yield Piece(offset, len(data), data)
        offset += len(data)


def data_bytes(fd: int, end: int) -> int:
    """Return how many of the file's first `end` bytes are data, not holes."""
    total = offset = 0
    while (start := _next(fd, offset, os.SEEK_DATA, end)) < end:
        offset = min(_next(fd, start, os.SEEK_HOLE, end), end)
        total += offset - start
    return total


def next_data(fd: int, offset: int, end: int) -> int:
    """Return the offset of the next byte of data from `offset` on; `end` if only a hole is left."""
    return min(_next(fd, offset, os.SEEK_DATA, end), end)


def punch(fd: int, offset: int, length: int) -> None:
    """Make `length` bytes at `offset` zeros, and free their memory or disk where possible.

    The file keeps its size. Raises OSError.
    """
    result = _libc.fallocate(
        fd, _KEEP_SIZE | _PUNCH_HOLE, ctypes.c_int64(offset), ctypes.c_int64(length)
    )
    if result == 0 or length == 0:
        return
    number = ctypes.get_errno()
    if number != errno.EOPNOTSUPP:
        raise OSError(number, os.strerror(number))
    for piece in pieces(fd, offset, offset + length):
        if piece.data is not None:
            write_all(fd, bytes(piece.length), piece.offset)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`. Raises OSError."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view = view[written:]
        offset += written


def _next(fd: int, offset: int, kind: int, end: int) -> int:
    """Return the offset of the next data or hole (`kind`, see lseek(2)), or `end`."""
    try:
        return os.lseek(fd, offset, kind)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return end
