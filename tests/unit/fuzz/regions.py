# SPDX-License-Identifier: GPL-2.0-or-later
"""Directories of regions (guest/lib/layout.h): real ones, and changed ones with right checksums."""

import binascii
import struct
from collections.abc import Iterable
from pathlib import Path
from random import Random

from famulus.pool import directory
from famulus_guest import Pool
from tests.unit.fuzz.mutation import mutated, number
from tests.unit.guest.lib import child

SIZE = 1 << 18  # bytes: the smallest pool
START = SIZE - directory.directory_bytes(SIZE)
LAST_PAGE = SIZE - 4096
ENTRIES = 64
SIZES = (0, 1, 4095, 4096, START, LAST_PAGE, SIZE - 1, SIZE + 1, SIZE + 4096, 2 * SIZE, 1 << 40)
NAMES = (b"", b"/", b"a\0b", b"[bold]", b"\x1b[2J", b"\xff\xfe", b"\n", b":smile:", b"n" * 255)

_SUPER = struct.Struct("<QIIQII32x")
_ENTRY = struct.Struct("<IIQIIIIIIQQQQQI4x256s40x")
_FIELDS = (
    *("magic", "checksum", "sequence", "index", "state", "kind", "mode", "uid", "gid", "offset"),
    *("size", "creator", "created", "identity", "length", "name"),
)
_LONG = {"sequence", "offset", "size", "creator", "created", "identity"}
_MAGIC = 0x47455246
_CHECKSUMS = {_SUPER.size: slice(12, 16), _ENTRY.size: slice(4, 8)}


def real(path: Path) -> bytes:
    """Return the bytes of a pool whose directory the library has written to `path`.

    The region with index 0 is reserved, the one with index 3 was destroyed.
    """

    def fill() -> None:
        with Pool(path) as pool:
            pool.reserve("raw", 1 << 13, 1 << 12)
            for index in range(6):
                pool.create(f"region{index}", 4096 * (index + 1) - index).close()
            pool.create("\udcff", 1).close()
            pool.destroy("region2")

    path.write_bytes(bytes(SIZE))
    child(fill)
    return path.read_bytes()


def change_entry(
    pool: bytearray, at: int, copies: Iterable[int] = (0, 1), **values: int | bytes
) -> None:
    """Set fields of the entry in the place `at`, in the chosen copies, with a right checksum."""
    fields = dict(zip(_FIELDS, _ENTRY.unpack(pool[_place(0, at)]), strict=True)) | values
    for copy in copies:
        pool[_place(copy, at)] = _summed(_ENTRY.pack(*fields.values()))


def change_super(pool: bytearray, field: int, value: int, places: Iterable[int]) -> None:
    """Set a field of the superblock, by its number, with a right checksum."""
    words = list(_SUPER.unpack(pool[START : START + _SUPER.size]))
    words[field] = value
    for at in places:
        pool[at : at + _SUPER.size] = _summed(_SUPER.pack(*words))


def mutated_pool(rng: Random, pool: bytes) -> bytes:
    """Return the bytes of `pool` with a mutated directory."""
    changed = bytearray(pool)
    kinds = (_scribble, _some_entry, _some_entry, _copy_entry, _some_super, _join)
    for _ in range(rng.choice((1, 1, 2, 4, 20))):
        rng.choice(kinds)(rng, changed)
    return bytes(changed)


def _summed(data: bytes) -> bytes:
    place = _CHECKSUMS[len(data)]
    blank = bytearray(data)
    blank[place] = bytes(4)
    blank[place] = binascii.crc32(blank).to_bytes(4, "little")
    return bytes(blank)


def _place(copy: int, index: int) -> slice:
    start = START + 8192 + 512 * 64 + (copy * ENTRIES + index) * _ENTRY.size
    return slice(start, start + _ENTRY.size)


def _index(rng: Random) -> int:
    return rng.randrange(rng.choice((8, 8, ENTRIES)))


def _scribble(rng: Random, pool: bytearray) -> None:
    at = rng.randrange(START, SIZE)
    data = rng.choice((rng.randbytes(rng.randint(1, 64)), bytes(rng.randint(1, 4096))))
    pool[at : at + len(data)] = data[: SIZE - at]


def _some_entry(rng: Random, pool: bytearray) -> None:
    index, field = _index(rng), rng.choice(_FIELDS)
    values: dict[str, int | bytes] = {field: number(rng, 64 if field in _LONG else 32)}
    if field == "name":
        name = rng.choice(NAMES)
        values = {"name": name, "length": len(name)}
    if rng.random() < 0.2:
        values = {"magic": _MAGIC, "state": 2, "index": index, **values}
    change_entry(pool, index, rng.choice(((0,), (1,), (0, 1), (0, 1))), **values)


def _copy_entry(rng: Random, pool: bytearray) -> None:
    """Copy an entry to another place, mostly with that place's index: two regions share pages."""
    source, target = _index(rng), _index(rng)
    for copy in range(2):
        pool[_place(copy, target)] = pool[_place(copy, source)]
    if rng.random() < 0.8:
        change_entry(pool, target, index=target)


def _some_super(rng: Random, pool: bytearray) -> None:
    field = rng.randrange(6)
    places = rng.choice(((START,), (LAST_PAGE,), (START, LAST_PAGE)))
    change_super(pool, field, number(rng, 64 if field in (0, 3) else 32), places)


def _join(rng: Random, pool: bytearray) -> None:
    """Change the words of the locks, or a member's slot."""
    at = START + rng.choice((4096, 4160, 8192, 8192 + 64 * rng.randrange(512)))
    slot = struct.pack("<8Q", 3, 7, 1, 0, number(rng, 64), 9, 9, 9)
    pool[at : at + 64] = mutated(rng, slot).ljust(64, b"\0")[:64]
