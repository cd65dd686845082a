# SPDX-License-Identifier: GPL-2.0-or-later
"""Entries of the directory that have a right checksum and cannot be right."""

from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.pool import directory
from famulus.pool.file import Pool
from tests.unit.fuzz.regions import LAST_PAGE, SIZE, START, change_entry, change_super, real

FIRST = 1  # index of `region0`


@pytest.fixture
def pool(shared_pool: Path, tmp_path: Path) -> Path:
    path = tmp_path / "pool"
    path.write_bytes(real(shared_pool))
    return path


def names(path: Path) -> set[str]:
    return {region.name for region in directory.read(Pool(path)).regions}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sequence", 1 << 62),
        ("sequence", 2**64 - 1),
        ("state", 3),
        ("kind", 2),
        ("offset", 1),
        ("offset", START),
        ("offset", 2**64 - 4096),
        ("size", 0),
        ("size", 2**64 - 1),
        ("length", 0),
        ("length", 5),
        ("length", 256),
        ("name", b"a\0b"),
        ("name", b"x" * 256),
    ],
)
def test_an_entry_that_cannot_be_right_is_damaged(pool, field, value):
    """If one copy is right, the entry is whole."""
    data = bytearray(pool.read_bytes())
    before = names(pool)
    assert "region0" in before
    change_entry(data, FIRST, copies=(0,), **{field: value})
    pool.write_bytes(data)
    assert names(pool) == before
    change_entry(data, FIRST, copies=(1,), **{field: value})
    pool.write_bytes(data)
    assert names(pool) == before - {"region0"}
    assert directory.read(Pool(pool)).damaged == 1


@pytest.mark.parametrize("size", [0, 1, 4096, START, SIZE - 1])
def test_a_file_too_small_for_a_directory_has_none(pool, size):
    with pool.open("r+b") as file:
        file.truncate(size)
    found = directory.read(Pool(pool))
    assert (found.regions, found.members, found.start) == ((), (), size)


@pytest.mark.parametrize("silence", [0, directory.DEAD_AFTER_MAX + 1, 2**32 - 1])
def test_a_superblock_with_an_absurd_time_is_none(pool, silence):
    data, before = bytearray(pool.read_bytes()), names(pool)
    change_super(data, 5, silence, [START])
    pool.write_bytes(data)
    assert names(pool) == before
    change_super(data, 5, silence, [LAST_PAGE])
    pool.write_bytes(data)
    with pytest.raises(FamulusError, match="has other data"):
        names(pool)
