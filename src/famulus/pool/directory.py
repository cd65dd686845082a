# SPDX-License-Identifier: GPL-2.0-or-later
"""The directory of regions in the pool (guest/lib/layout.h). Offsets and sizes are bytes.

The directory is read without its lock: every entry has a checksum, and while a node writes one copy
of an entry, the other copy is whole.
"""

import binascii
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from famulus.base.errors import FamulusError, UsageError
from famulus.pool.file import Pool

_PAGE = 4096
_REGISTRY, _SLOTS, _LINE = 8192, 512, 64
_TABLE = _REGISTRY + _SLOTS * _LINE
_SMALLEST = 256 << 10  # bytes of the smallest pool that can have a directory
_SUPER = struct.Struct("<QIIQII32x")
_MAGIC, _VERSION = 0x31534C554D4146, 1
_ENTRY = struct.Struct("<IIQIIIIIIQQQQQI4x256s40x")
_ENTRY_MAGIC = 0x47455246
_CHECKSUM = slice(4, 8)  # of an entry
_SLOT = struct.Struct("<8Q")
_FREE, _CREATING, LIVE = range(3)
_KINDS = 2
_SEQUENCES = 1 << 62  # more changes than a pool can see
DEAD_AFTER_MAX = 604_800_000  # milliseconds, a week: the longest silence of a living member
_TRIES = 5  # both copies are bad while nodes write to them, or for good


@dataclass(frozen=True)
class Region:
    """An entry of the directory."""

    name: str
    offset: int
    size: int
    uid: int
    gid: int
    mode: int
    reserved: bool
    created: int  # seconds since 1970
    index: int
    sequence: int

    @property
    def kind(self) -> str:
        """The kind of the entry, in a word."""
        return "reserved" if self.reserved else "region"


@dataclass(frozen=True)
class Directory:
    """The contents of the directory, which begins at offset `start`.

    `damaged` entries are beyond repair.
    """

    regions: tuple[Region, ...]
    damaged: int
    start: int
    members: tuple[
        tuple[int, int], ...
    ]  # node and process number of every process that has the pool open

    def find(self, name: str) -> Region:
        """Return the region called `name`. Raises FamulusError, which names some regions."""
        for region in self.regions:
            if region.name == name:
                return region
        known = ", ".join(sorted(region.name for region in self.regions)[:10])
        hint = f"The regions are: {known}." if known else "Programs in nodes make regions."
        raise FamulusError(f"there is no region '{name}'", hint=hint)


def read(pool: Pool) -> Directory:
    """Return the directory of the pool; a pool without a directory has no regions.

    Raises FamulusError if there is no pool, or if other data lie in place of the directory.
    """
    with _opened(pool, os.O_RDONLY) as (fd, size):
        if size < _SMALLEST:
            return Directory((), 0, size, ())
        start = size - directory_bytes(size)
        if not _has_directory(fd, size):
            return Directory((), 0, start, ())
        for _ in range(_TRIES):
            entries = [_settled(start, *pair) for pair in enumerate(_pairs(fd, size))]
            if None not in entries:
                break
        regions = [entry[0] for entry in entries if entry and entry[1] == LIVE]
        members = tuple(_members(os.pread(fd, _SLOTS * _LINE, start + _REGISTRY)))
    return Directory(tuple(regions), entries.count(None), start, members)


def forget(pool: Pool, region: Region) -> None:
    """Take `region` out of the directory. No other process may have the pool open.

    Both copies are written, one after the other, as the library does.
    """
    with _opened(pool, os.O_RDWR) as (fd, size):
        number = max(found.sequence for found in read(pool).regions) + 1
        data = _packed(region, number, _FREE)
        for copy in range(2):
            os.pwrite(fd, data, _place(size, copy, region.index))


def directory_bytes(pool: int) -> int:
    """Return how many bytes the directory of a pool of `pool` bytes takes, at its end."""
    return _TABLE + 2 * _entries(pool) * _ENTRY.size + _PAGE


def _entries(pool: int) -> int:
    return min(max(pool >> 16, 64), 1024) & ~31


def _place(pool: int, copy: int, index: int) -> int:
    start = pool - directory_bytes(pool) + _TABLE
    return start + (copy * _entries(pool) + index) * _ENTRY.size


@contextmanager
def _opened(pool: Pool, flags: int) -> Iterator[tuple[int, int]]:
    with pool.opened(flags) as fd:
        yield fd, os.fstat(fd).st_size


def _has_directory(fd: int, size: int) -> bool:
    start = size - directory_bytes(size)
    copies = [os.pread(fd, _SUPER.size, at) for at in (start, size - _PAGE)]
    if any(_is_super(copy, size) for copy in copies):
        return True
    if not any(copies[1]):  # there is no directory yet, or a node writes the first copy now
        return False
    raise FamulusError(
        "the end of the pool, the place of the directory of regions, has other data",
        hint=f"`famulus pool clear {start:#x} {size - start:#x}` makes an empty directory; "
        "all regions are then forgotten.",
    )


def _is_super(data: bytes, size: int) -> bool:
    magic, version, checksum, pool, entries, dead_after = _SUPER.unpack(data)
    summed = binascii.crc32(data[:12] + bytes(4) + data[16:])
    right = (_MAGIC, _VERSION, summed, size, _entries(size))
    return (magic, version, checksum, pool, entries) == right and 0 < dead_after <= DEAD_AFTER_MAX


def _pairs(fd: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield both copies of each entry."""
    length = _entries(size) * _ENTRY.size
    tables = [os.pread(fd, length, _place(size, copy, 0)) for copy in range(2)]
    for at in range(0, length, _ENTRY.size):
        yield tables[0][at : at + _ENTRY.size], tables[1][at : at + _ENTRY.size]


def _settled(
    end: int, index: int, pair: tuple[bytes, bytes]
) -> tuple[Region, int] | tuple[()] | None:
    """Return the entry and its state, () for a never used entry, None for a damaged one.

    Regions end before the offset `end`.
    """
    found = [
        entry
        for entry in map(_unpacked, pair)
        if entry and entry[0].index == index and _is_sane(*entry, end)
    ]
    if found:
        return max(found, key=lambda entry: entry[0].sequence)
    return () if any(not any(copy[:_LINE]) for copy in pair) else None


def _unpacked(data: bytes) -> tuple[Region, int] | None:
    words = _ENTRY.unpack(data)
    magic, checksum, sequence, index, state, kind, mode, uid, gid, offset, size = words[:11]
    summed = binascii.crc32(data[:4] + bytes(4) + data[8:])
    if magic != _ENTRY_MAGIC or checksum != summed:
        return None
    name, created = _name(words[15], words[14]), words[12]
    if sequence >= _SEQUENCES or (state != _FREE and (kind >= _KINDS or not name)):
        return None
    return Region(name, offset, size, uid, gid, mode, bool(kind), created, index, sequence), state


def _name(data: bytes, length: int) -> str:
    """Return the name of `length` bytes in the field `data`, or "" if that is no name."""
    name, end = data[:length], data[length : length + 1]
    return os.fsdecode(name) if end == b"\0" and b"\0" not in name else ""


def _is_sane(region: Region, state: int, end: int) -> bool:
    """Tell whether the region is whole pages before `end`, as the library's is_sane() does.

    A right checksum is no proof: the process that wrote the entry may have had a defect.
    """
    if state == _FREE:
        return True
    pages = -(-region.size // _PAGE) * _PAGE
    whole = region.offset % _PAGE == 0 and region.size > 0
    return state <= LIVE and whole and region.offset + pages <= end


def _packed(region: Region, sequence: int, state: int) -> bytes:
    """Return the bytes of an entry that replaces the entry of `region`."""
    name = os.fsencode(region.name)
    data = bytearray(
        _ENTRY.pack(
            *(_ENTRY_MAGIC, 0, sequence, region.index, state, int(region.reserved)),
            *(region.mode, region.uid, region.gid, region.offset, region.size),
            *(0, region.created, 0, len(name), name),
        )
    )
    data[_CHECKSUM] = binascii.crc32(data).to_bytes(4, "little")
    return bytes(data)


def _members(slots: bytes) -> Iterator[tuple[int, int]]:
    for state, _, described, node, pid, *_ in _SLOT.iter_unpack(slots):
        if state & 1 and described == state >> 1:
            yield node, pid


def check_range(region: Region, offset: int, size: int) -> None:
    """Raise UsageError if `size` bytes at `offset` leave the region."""
    if offset < 0 or size < 0 or offset + size > region.size:
        raise UsageError(
            f"{size:#x} bytes at {offset:#x} leave the region '{region.name}'",
            hint=f"The region has {region.size:#x} bytes.",
        )
