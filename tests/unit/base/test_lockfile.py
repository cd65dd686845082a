# SPDX-License-Identifier: GPL-2.0-or-later
"""Locks on files and folders; each descriptor counts as a holder of its own (flock(2))."""

import errno
import fcntl
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from famulus.base import lockfile, waiting
from famulus.base.errors import FamulusError, Interrupted
from tests.unit.timeouts import TIMEOUT


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "folder" / "lock"


def nobody(holder: str) -> None:
    pytest.fail(f"waited for {holder}")


def test_the_lock_file_and_its_folder_are_private(lock):
    with lockfile.locked(lock, nobody):
        assert lock.stat().st_mode & 0o777 == 0o600
        assert lock.parent.stat().st_mode & 0o777 == 0o700


def test_the_file_names_the_holder_while_it_holds_the_lock(lock):
    assert lockfile.holder(lock) == "another famulus"
    with lockfile.locked(lock, nobody):
        assert f"(process {os.getpid()})" in lockfile.holder(lock)
    assert lockfile.holder(lock) == "another famulus"


def test_a_timeout_names_the_lock_and_its_holder(lock):
    holders: list[str] = []
    with lockfile.locked(lock, nobody):
        with pytest.raises(FamulusError) as caught:
            lockfile.acquire(lock, holders.append, timeout=0.2, name="the fabric 'f'")
        with pytest.raises(FamulusError) as unnamed:
            lockfile.acquire(lock, holders.append, timeout=0)
        assert caught.value.brief == f"the fabric 'f' is locked by {lockfile.holder(lock)}"
        assert unnamed.value.brief == f"{lock} is locked by {lockfile.holder(lock)}"
        assert holders == [lockfile.holder(lock)] * 2


def test_a_waiter_gets_the_lock_when_the_holder_ends(lock):
    first = lockfile.acquire(lock, nobody)
    with lockfile.locked(lock, lambda _: os.close(first), timeout=TIMEOUT):
        assert lockfile.try_acquire(lock) is None


def test_a_block_that_fails_frees_the_lock(lock):
    with pytest.raises(ValueError, match="x"), lockfile.locked(lock, nobody):
        raise ValueError("x")
    with lockfile.locked(lock, nobody):
        pass


def test_an_interrupt_ends_the_wait(lock):
    def interrupt(_: str) -> None:
        waiting.interrupt(signal.SIGINT)

    with lockfile.locked(lock, nobody), pytest.raises(Interrupted):
        lockfile.acquire(lock, interrupt)


def test_shared_locks_coexist_and_exclude_an_exclusive_one(lock):
    first, second = (lockfile.try_acquire(lock, shared=True) for _ in range(2))
    assert first is not None
    assert second is not None
    os.close(first)
    with lockfile.locked_if_free(lock) as exclusive:
        assert exclusive is None
    os.close(second)
    with lockfile.locked_if_free(lock) as exclusive:
        assert exclusive is not None
        assert lockfile.try_acquire(lock, shared=True) is None


def test_a_child_that_inherits_the_descriptor_keeps_the_lock(lock):
    with lockfile.locked_if_free(lock) as fd:
        assert fd is not None
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[fd])
    try:
        assert lockfile.try_acquire(lock) is None
    finally:
        child.communicate()
    with lockfile.locked_if_free(lock) as fd:
        assert fd is not None


def test_a_lock_whose_file_was_removed_excludes_nobody(lock):
    with lockfile.locked_if_free(lock):
        lock.unlink()
        with lockfile.locked_if_free(lock) as second:
            assert second is not None
            assert lockfile.try_acquire(lock) is None


def test_a_folder_that_is_removed_at_any_moment_is_locked_all_the_same(lock):
    over = threading.Event()

    def remove() -> None:
        while not over.is_set():
            lock.unlink(missing_ok=True)
            try:
                lock.parent.rmdir()
            except OSError:
                continue

    removing = threading.Thread(target=remove)
    removing.start()
    try:
        for _ in range(200):
            with lockfile.locked(lock, nobody):
                pass
    finally:
        over.set()
        removing.join()


def test_a_file_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(FamulusError, match=f"cannot make {tmp_path}/lock: Is a directory"):
        lockfile.try_acquire(tmp_path / "lock")


def test_a_folder_has_one_holder(tmp_path):
    with lockfile.folder_locked_if_free(tmp_path) as first:
        assert first
        with lockfile.folder_locked_if_free(tmp_path) as second:
            assert not second
    with lockfile.folder_locked_if_free(tmp_path) as third:
        assert third
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError), lockfile.folder_locked_if_free(tmp_path / "none"):
        pytest.fail("there is no folder")


def test_a_file_system_without_locks_is_an_error_with_file_and_cure(lock, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    with pytest.raises(lockfile.NoLocksError) as caught:
        lockfile.try_acquire(lock)
    assert caught.value.brief == f"cannot lock {lock}: No locks available"
    assert "FAMULUS_HOME" in caught.value.hint
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before
