# SPDX-License-Identifier: GPL-2.0-or-later
"""The mark of a pool: what a fabric may do with a file that is there."""

import errno
import fcntl
import os

import pytest

from famulus.base.units import MIB
from famulus.pool import file, mark
from famulus.pool.mark import Mark, Owner, Standing


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pool"


@pytest.fixture
def me(tmp_path):
    return Owner(str(tmp_path / "mine"), "fabric")


@pytest.fixture
def other(tmp_path):
    """A fabric of another home, which exists."""
    folder = tmp_path / "theirs/fabrics/fabric"
    folder.mkdir(parents=True)
    (folder / "state.json").touch()
    return Owner(str(tmp_path / "theirs"), "fabric")


def standing(path, me) -> Standing:
    return mark.look(path, me)[0]


def make(path, owner) -> None:
    with mark.locked(path):
        file.ensure(path, MIB)
        mark.write(path, owner, made=True)


def test_path_without_a_file_is_free(path, me):
    assert standing(path, me) is Standing.FREE


def test_file_without_a_mark_is_unknown(path, me):
    file.ensure(path, MIB)
    assert standing(path, me) is Standing.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"\xff", b"null", b"[]", b"{", b"[" * 100_000, b"1" * 5000),
        b'{"home": "/h", "fabric": "f", "made": 1, "inode": 1e999}',
        b'{"home": "/h", "fabric": "f", "made": 1, "inode": null}',
    ],
)
def test_mark_that_cannot_be_read_is_none(path, me, text):
    file.ensure(path, MIB)
    path.with_name(".pool.famulus").write_bytes(text)
    assert mark.look(path, me) == (Standing.UNKNOWN, None)


def test_mark_of_a_home_that_cannot_be_a_path_may_be_anybodys(path, me):
    make(path, Owner("/a\0b", "fabric"))
    assert standing(path, me) is Standing.TAKEN


def test_pipe_in_place_of_a_mark_is_not_read(path, me):
    os.mkfifo(path.with_name(".pool.famulus"))
    assert standing(path, me) is Standing.TAKEN


def test_marked_file_is_the_fabrics_own_and_no_others(path, me, other):
    make(path, other)
    assert standing(path, other) is Standing.OURS
    assert standing(path, me) is Standing.TAKEN
    assert standing(path, Owner(other.home, "second")) is Standing.TAKEN


def test_file_that_is_about_to_be_made_is_the_fabrics_own(path, me):
    mark.write(path, me, made=True)
    file.ensure(path, MIB)  # and the process is killed
    assert standing(path, me) is Standing.OURS


def test_place_of_a_removed_file_stays_the_fabrics(path, me, other):
    make(path, other)
    path.unlink()
    assert standing(path, me) is Standing.TAKEN
    assert standing(path, other) is Standing.FREE


def test_file_of_a_fabric_that_is_gone_is_left(path, me, tmp_path):
    make(path, Owner(str(tmp_path / "gone"), "fabric"))
    assert standing(path, me) is Standing.LEFT
    path.unlink()
    assert standing(path, me) is Standing.FREE


def test_file_that_replaced_the_marked_file_is_unknown(path, me):
    make(path, me)
    path.rename(path.with_name("kept"))  # so that its inode is not used again
    path.write_bytes(b"another")
    assert standing(path, me) is Standing.UNKNOWN


def test_fabric_whose_home_cannot_be_read_exists(path, me, other, monkeypatch):
    make(path, other)

    def fails(*_):
        raise PermissionError

    monkeypatch.setattr(mark, "has_fabric", fails)
    assert standing(path, me) is Standing.TAKEN


@pytest.mark.parametrize("name", ["pool", ".pool.famulus"])
def test_path_of_another_user_is_taken(path, me, name, monkeypatch):
    path.with_name(name).touch()
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert standing(path, me) is Standing.TAKEN
    assert "belongs to" in mark.whose(path.with_name(name))


@pytest.mark.parametrize("make_it", ["mkdir", "symlink_to"])
def test_path_that_is_no_regular_file_is_taken(path, me, make_it):
    getattr(path, make_it)(*["elsewhere"] * (make_it == "symlink_to"))
    assert standing(path, me) is Standing.TAKEN
    assert "not a regular file" in mark.whose(path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"home": "/h"}', "\0" * 99])
def test_broken_mark_is_no_mark(path, me, text):
    file.ensure(path, MIB)
    path.with_name(".pool.famulus").write_text(text)
    assert mark.look(path, me) == (Standing.UNKNOWN, None)


def test_lock_leaves_no_empty_mark(path, me, tmp_path):
    with mark.locked(path):
        assert [found.name for found in tmp_path.iterdir()] == [".pool.famulus"]
    assert list(tmp_path.iterdir()) == []
    make(path, me)
    with mark.locked(path):
        pass
    assert standing(path, me) is Standing.OURS


def test_mark_is_private_and_read_back(path, me):
    make(path, me)
    assert path.with_name(".pool.famulus").stat().st_mode & 0o777 == 0o600
    assert mark.look(path, me)[1] == Mark(me, made=True, inode=path.stat().st_ino)


def test_file_system_without_locks_has_marks(path, me, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    make(path, me)
    assert standing(path, me) is Standing.OURS
