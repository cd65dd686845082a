# SPDX-License-Identifier: GPL-2.0-or-later
"""Locks on files and folders (flock(2)): exclusive or shared, with or without a wait.

The kernel drops a lock when the last copy of its descriptor is closed, so a lock never outlives its
processes. A process that inherits the descriptor holds the lock, too.
"""

import errno
import fcntl
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.waiting import pause

# The errors of a file system without locks: of NFS without its lock service, of some FUSE ones.
NO_LOCKS = frozenset((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS))
CURE = (
    "Set FAMULUS_HOME to a folder on a local disk; or give its file system locks: NFS needs "
    "rpc.statd on both hosts, or the mount option local_lock=all."
)
_INTERVAL = 0.1  # seconds between two attempts; flock(2) itself knows no timeout
_UNKNOWN = "another famulus"


class NoLocksError(FamulusError):
    """The file system has no locks."""


def try_acquire(path: Path, *, shared: bool = False) -> int | None:
    """Lock the file `path` and return the descriptor of the lock, or None if another has the lock.

    A missing file is made, with mode 0600, and so is its folder. For a shared lock, a file that is
    there need not be writable. Raises FamulusError if the file cannot be made, NoLocksError if its
    file system has no locks.
    """
    while True:
        with ExitStack() as undo:
            fd = _open_to_share(path) if shared else _open(path)
            undo.callback(os.close, fd)
            if not _flock(fd, path, shared=shared):
                return None
            if _is_at(path, fd):  # else another process removed the file between open and lock
                undo.pop_all()
                return fd


def acquire(
    path: Path,
    on_wait: Callable[[str], None],
    *,
    timeout: float = math.inf,
    name: str = "",
    shared: bool = False,
) -> int:
    """Lock the file `path` as `try_acquire` does, after a wait if need be; return the descriptor.

    If another process has the lock, `on_wait` is called once, with the holder's name. Raises
    FamulusError after `timeout` seconds, which calls the lock `name` (by default its path), and
    Interrupted when the user interrupts.
    """
    start, waits = time.monotonic(), False
    while (fd := try_acquire(path, shared=shared)) is None:
        if not waits:
            on_wait(holder(path))
            waits = True
        if time.monotonic() - start >= timeout:
            raise FamulusError(
                f"{name or path} is locked by {holder(path)}",
                hint="Wait for that process, or stop that process.",
            )
        pause(_INTERVAL)
    return fd


@contextmanager
def locked(
    path: Path, on_wait: Callable[[str], None], *, timeout: float = math.inf, name: str = ""
) -> Iterator[None]:
    """Hold the exclusive lock of the file `path` while the block runs, see `acquire`.

    The file holds the holder's name while the block runs, and is empty afterwards.
    """
    fd = acquire(path, on_wait, timeout=timeout, name=name)
    try:
        _sign(fd)
        yield
    finally:
        os.ftruncate(fd, 0)  # else a waiter takes the next holder for this one, for a moment
        os.close(fd)


@contextmanager
def locked_if_free(path: Path) -> Iterator[int | None]:
    """Hold the exclusive lock of the file `path` while the block runs, without a wait.

    Yields the descriptor, or None if another holder has the lock.
    """
    fd = try_acquire(path)
    try:
        yield fd
    finally:
        if fd is not None:
            os.close(fd)


@contextmanager
def folder_locked_if_free(folder: Path) -> Iterator[bool]:
    """Hold the exclusive lock of the existing `folder` while the block runs, without a wait.

    Yields whether the block has the lock. Raises OSError if the folder cannot be opened,
    NoLocksError if its file system has no locks.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield _flock(fd, folder, shared=False)
    finally:
        os.close(fd)


def holder(path: Path) -> str:
    """Return the name of the process in `locked` for `path`.

    A holder that was killed keeps its name in the file until the next one.
    """
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace") or _UNKNOWN
    return _UNKNOWN


def _open_to_share(path: Path) -> int:
    with suppress(OSError):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return _open(path)


def _open(path: Path) -> int:
    try:
        while True:
            paths.make_private(path.parent)
            with suppress(FileNotFoundError):  # another process removed the folder just now
                return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FamulusError(f"cannot make {path}: {error.strerror}") from error


def _flock(fd: int, path: Path, *, shared: bool) -> bool:
    """Try to lock `fd`, the file `path`, and return whether that succeeds."""
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise NoLocksError(f"cannot lock {path}: {error.strerror}", hint=CURE) from error
    return True


def _is_at(path: Path, fd: int) -> bool:
    """Return whether `path` still names the file that `fd` was opened from."""
    try:
        return path.stat().st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False


def _sign(fd: int) -> None:
    os.ftruncate(fd, 0)
    os.write(fd, f"famulus {' '.join(sys.argv[1:2])} (process {os.getpid()})".encode())
