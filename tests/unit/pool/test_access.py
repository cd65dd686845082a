# SPDX-License-Identifier: GPL-2.0-or-later
"""Ranges of the pool, and its dump."""

import ctypes
import errno
import shutil
import subprocess
from itertools import pairwise

import pytest

from famulus.base import sparse, waiting
from famulus.base.errors import FamulusError, Interrupted, UsageError
from famulus.base.sparse import Piece
from famulus.base.units import GIB, MIB
from famulus.pool import access, file
from famulus.pool.file import Pool
from famulus.pool.hexdump import hexdump

SIZE = 64 * GIB


@pytest.fixture
def pool(tmp_path):
    path = tmp_path / "pool"
    file.ensure(path, SIZE)
    return Pool(path)


def content(pool, offset=0, size=None) -> bytes:
    size = pool.path.stat().st_size - offset if size is None else size
    return b"".join(p.data or bytes(p.length) for p in access.read(pool, offset, size))


def test_written_data_is_read_back(pool):
    access.write(pool, SIZE - 5, b"hello")
    assert content(pool, SIZE - 5) == b"hello"
    assert content(pool, SIZE - 7, 4) == b"\0\0he"
    assert pool.path.stat().st_size == SIZE


@pytest.mark.parametrize(
    ("offset", "size"), [(SIZE, 1), (SIZE - 1, 2), (-1, 1), (0, SIZE + 1), (3, -1)]
)
def test_a_range_outside_of_the_pool_is_refused(pool, offset, size):
    with pytest.raises(UsageError, match="leave the pool"):
        list(access.read(pool, offset, size))
    with pytest.raises(UsageError, match="leave the pool"):
        access.clear(pool, offset, size)
    assert file.used_bytes(pool) == 0


def test_write_that_does_not_fit_writes_nothing(pool):
    with pytest.raises(UsageError, match="leave the pool"):
        access.write(pool, SIZE - 2, b"hello")
    assert file.used_bytes(pool) == 0


@pytest.mark.parametrize("start", [0, 5, 4095, 4096, 12345])
def test_pieces_follow_each_other(pool, start):
    for offset in (100, 3 * MIB + 1, 7 * GIB, SIZE - 1):
        access.write(pool, offset, b"x")
    found = list(access.read(pool, start, SIZE - start))
    assert found[0].offset == start
    assert found[-1].offset + found[-1].length == SIZE
    for one, other in pairwise(found):
        assert one.offset + one.length == other.offset
        assert one.length % 16 == 0
    data = sum(piece.length for piece in found if piece.data is not None)
    assert data <= 64 * 1024  # the holes were not read


def test_clear_frees_memory(pool):
    access.write(pool, MIB, b"x" * MIB)
    assert access.clear(pool, MIB + 1, MIB - 2) == MIB - 2
    assert content(pool, MIB, MIB) == b"x" + bytes(MIB - 2) + b"x"
    assert file.used_bytes(pool) < MIB // 2
    assert access.clear(pool) == SIZE
    assert file.used_bytes(pool) == 0
    assert pool.path.stat().st_size == SIZE


def test_clear_writes_zeros_on_a_file_system_without_holes(pool, monkeypatch):
    class Libc:
        @staticmethod
        def fallocate(*_: object) -> int:
            ctypes.set_errno(errno.EOPNOTSUPP)
            return -1

    monkeypatch.setattr(sparse, "_libc", Libc)
    access.write(pool, MIB, b"hello")
    access.clear(pool, MIB + 1, 3)
    assert content(pool, MIB, 5) == b"h\0\0\0o"


def test_a_saved_pool_is_loaded_again(pool, tmp_path):
    for offset in (0, 3 * GIB + 5, SIZE - 5):
        access.write(pool, offset, b"hello")
    saved = tmp_path / "saved"
    assert access.save(pool, saved) == SIZE
    assert saved.stat().st_size == SIZE
    assert saved.stat().st_blocks * 512 <= MIB
    assert saved.stat().st_mode & 0o777 == 0o600
    access.write(pool, GIB, b"later")
    assert access.load(pool, saved) == SIZE
    assert content(pool, GIB, 5) == bytes(5)
    assert content(pool, 3 * GIB + 5, 5) == content(pool, SIZE - 5) == b"hello"
    assert pool.path.stat().st_size == SIZE


def test_save_keeps_an_existing_file(pool, tmp_path):
    saved = tmp_path / "saved"
    saved.write_text("mine")
    with pytest.raises(FamulusError, match="exists"):
        access.save(pool, saved)
    assert saved.read_text() == "mine"
    access.save(pool, saved, force=True)
    assert saved.stat().st_size == SIZE
    with pytest.raises(FamulusError, match="the pool itself"):
        access.save(pool, pool.path, force=True)


def test_save_leaves_no_part(pool, tmp_path):
    with pytest.raises(FamulusError, match="cannot save"):
        access.save(pool, tmp_path / "none" / "saved")
    assert [path.name for path in tmp_path.iterdir()] == ["pool"]


def test_an_interrupted_save_leaves_no_part(pool, tmp_path):
    access.write(pool, 0, b"x")
    waiting.interrupt(2)
    try:
        with pytest.raises(Interrupted):
            access.save(pool, tmp_path / "saved")
    finally:
        waiting.forget_interrupt()
    assert [path.name for path in tmp_path.iterdir()] == ["pool"]


def test_load_refuses_before_it_writes(pool, tmp_path, monkeypatch):
    access.write(pool, 0, b"mine")
    large = tmp_path / "large"
    large.write_bytes(b"theirs")
    with large.open("r+b") as opened:
        opened.truncate(SIZE + 1)
    with pytest.raises(FamulusError, match="the pool only 64G"):
        access.load(pool, large)
    small = tmp_path / "small"
    small.write_bytes(b"theirs")
    monkeypatch.setattr(access, "data_bytes", lambda *_: 1 << 60)
    with pytest.raises(FamulusError, match="has room for"):
        access.load(pool, small)
    assert content(pool, 0, 6) == b"mine\0\0"


def test_load_of_a_small_file_keeps_the_rest(pool, tmp_path):
    access.write(pool, 0, b"abcdef")
    small = tmp_path / "small"
    small.write_bytes(b"XY")
    assert access.load(pool, small) == 2
    assert content(pool, 0, 6) == b"XYcdef"


@pytest.mark.parametrize("name", ["none", "."])
def test_load_refuses_a_path_that_is_no_file(pool, tmp_path, name):
    with pytest.raises(FamulusError, match="is not a file"):
        access.load(pool, tmp_path / name)


def test_a_missing_pool_is_named(tmp_path):
    for use in (
        lambda pool: list(access.read(pool, 0, 1)),
        lambda pool: access.write(pool, 0, b"x"),
        access.clear,
        lambda pool: access.save(pool, tmp_path / "saved"),
    ):
        with pytest.raises(FamulusError, match="there is no pool"):
            use(Pool(tmp_path / "pool"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("hexdump") is None, reason="needs hexdump (bsdextrautils)")
@pytest.mark.parametrize("size", [0, 1, 8, 9, 16, 17, 47, 48, 100, 4096 * 3 + 7])
def test_a_dump_equals_hexdumps(tmp_path, size):
    data = (bytes(range(256)) + bytes(64) + b"x" * 77 + bytes(33)) * 40
    path = tmp_path / "data"
    path.write_bytes(data[:size])
    theirs = subprocess.run(["hexdump", "-C", path], capture_output=True, text=True, check=True)
    ours = hexdump([Piece(0, size, data[:size])] if size else [])
    assert list(ours) == theirs.stdout.splitlines()


def test_a_dump_squeezes_equal_lines():
    data = bytes(range(0x18, 0x28)) + b"x" * 48 + b"the end"
    assert list(hexdump([Piece(0x10, len(data), data)])) == [
        "00000010  18 19 1a 1b 1c 1d 1e 1f  20 21 22 23 24 25 26 27  |........ !\"#$%&'|",
        "00000020  78 78 78 78 78 78 78 78  78 78 78 78 78 78 78 78  |xxxxxxxxxxxxxxxx|",
        "*",
        "00000050  74 68 65 20 65 6e 64                              |the end|",
        "00000057",
    ]
    assert list(hexdump([])) == []


def test_a_hole_is_dumped_as_zeros():
    for length in (16, 32, 48, 64, 80, 16 * 1000, 16 * 1000 + 5):
        data = Piece(0, 16, b"0123456789abcdef")
        hole = list(hexdump([data, Piece(16, length, None)]))
        assert hole == list(hexdump([data, Piece(16, length, bytes(length))]))


def test_the_dump_of_a_large_hole_is_short():
    assert list(hexdump([Piece(5, SIZE - 5 - 11, None)])) == [
        "00000005  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|",
        "*",
        "ffffffff5",
    ]
