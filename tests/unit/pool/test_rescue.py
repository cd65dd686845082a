# SPDX-License-Identifier: GPL-2.0-or-later
"""A pool whose name is gone gets it back when its last node ends."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.base.held import Held
from famulus.base.units import MIB
from famulus.pool import access, file, mark, rescue
from famulus.pool.file import Pool
from famulus.pool.mark import Owner, Standing

SIZE = 64 * MIB


@pytest.fixture
def me(tmp_path):
    return Owner(str(tmp_path / "home"), "fabric")


@pytest.fixture
def pool(tmp_path, me):
    """A pool that this process holds, and whose name is gone."""
    folder = tmp_path / "shm"
    folder.mkdir()
    return unnamed(folder / "pool", me)


def unnamed(path: Path, me: Owner) -> Pool:
    with mark.locked(path):
        file.ensure(path, SIZE)
        mark.write(path, me, made=True)
    access.write(Pool(path), 0, b"precious")
    access.write(Pool(path), SIZE - MIB, b"cleared later")
    held = Held(path)
    path.unlink()
    return Pool(path, held)


def bring_back(pool: Pool, me: Owner, block: Callable[[], object]) -> None:
    """Bring the pool back after `block`, which ends all nodes."""
    with rescue.brought_back(pool, me, lambda: True):
        block()


def a_node_ends() -> None:
    pytest.fail("a node would have ended")


def names(pool: Pool) -> list[str]:
    return sorted(path.name for path in pool.path.parent.iterdir())


def test_stores_until_the_end_are_in_the_new_file(pool, me):
    def block():
        access.write(pool, 3 * MIB, b"later")
        access.clear(pool, SIZE - MIB, 4096)

    bring_back(pool, me, block)
    data = pool.path.read_bytes()
    assert len(data) == SIZE
    assert (data[:8], data[3 * MIB : 3 * MIB + 5]) == (b"precious", b"later")
    assert not any(data[SIZE - MIB :])
    assert pool.path.stat().st_blocks * 512 < MIB
    assert pool.path.stat().st_mode & 0o777 == 0o600
    assert mark.look(pool.path, me)[0] is Standing.OURS
    assert names(pool) == [".pool.famulus", "pool"]


def test_nothing_changes_while_a_node_runs(pool, me):
    with rescue.brought_back(pool, me, lambda: False):
        pass
    assert names(pool) == [".pool.famulus"]
    assert b"".join(piece.data or b"" for piece in access.read(pool, 0, 8)) == b"precious"


def test_interrupted_block_does_not_lose_the_pool(pool, me):
    def block():
        waiting.interrupt(signal.SIGINT)
        waiting.check_interrupt()

    with pytest.raises(Interrupted):
        bring_back(pool, me, block)
    assert pool.path.read_bytes()[:8] == b"precious"


def test_interrupt_before_the_block_leaves_nothing(pool, me):
    waiting.interrupt(signal.SIGINT)
    with pytest.raises(Interrupted):
        bring_back(pool, me, a_node_ends)
    assert names(pool) == [".pool.famulus"]


def test_name_of_another_file_is_an_error_before_the_block(pool, me):
    pool.path.write_bytes(b"another")
    with pytest.raises(FamulusError, match="another file has the name") as caught:
        bring_back(pool, me, a_node_ends)
    assert "famulus pool save" in caught.value.hint
    assert pool.path.read_bytes() == b"another"


def test_name_that_is_taken_meanwhile_leaves_the_copy(pool, me):
    with pytest.raises(FamulusError, match="cannot be copied: File exists") as caught:
        bring_back(pool, me, lambda: pool.path.write_bytes(b"another"))
    copy = pool.path.with_name(".pool.rescued")
    assert str(copy) in caught.value.hint
    assert copy.read_bytes()[:8] == b"precious"
    assert pool.path.read_bytes() == b"another"


def test_lack_of_room_is_an_error_before_the_block(pool, me, monkeypatch):
    monkeypatch.setattr(rescue, "room_for", lambda _: MIB)
    with pytest.raises(FamulusError, match="has no room for a copy") as caught:
        bring_back(pool, me, a_node_ends)
    assert "famulus pool save" in caught.value.hint
    assert names(pool) == [".pool.famulus"]


def test_full_disk_is_an_error_before_the_block(small_disk, me, monkeypatch):
    monkeypatch.setattr(rescue, "room_for", lambda _: SIZE)
    pool = unnamed(small_disk / "pool", me)
    access.write(pool, 0, bytes(range(256)) * 3000)
    with pytest.raises(FamulusError, match="No space left"):
        bring_back(pool, me, a_node_ends)
    assert names(pool) == [".pool.famulus"]


def test_part_of_a_killed_process_is_replaced(pool, me):
    pool.path.with_name(".pool.rescued").write_bytes(b"x" * 2 * SIZE)
    bring_back(pool, me, lambda: None)
    assert pool.path.stat().st_size == SIZE


@pytest.mark.parametrize("made", [True, False])
def test_maker_of_the_file_stays_known(pool, me, made):
    with mark.locked(pool.path):
        mark.write(pool.path, me, made=made)
    bring_back(pool, me, lambda: None)
    found = mark.look(pool.path, me)[1]
    assert found
    assert (found.made, found.inode) == (made, pool.path.stat().st_ino)


def test_mark_that_is_gone_too_comes_back(pool, me):
    pool.path.with_name(".pool.famulus").unlink()
    bring_back(pool, me, lambda: None)
    assert mark.look(pool.path, me)[0] is Standing.OURS
