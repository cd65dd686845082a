# SPDX-License-Identifier: GPL-2.0-or-later
"""A lock a template: who holds it builds it or removes it. The kernel drops it with its process."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from famulus import paths
from famulus.errors import FamulusError
from famulus.waiting import pause


def lock_path(digest: str) -> Path:
    """Return the file that is locked."""
    return paths.templates() / f".{digest}.lock"


@contextmanager
def locked(digest: str, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the template's lock while the block runs. If somebody holds it, `on_wait` is told once.

    There is no limit: a build over a slow line takes what it takes.
    """
    told = False
    while (fd := _try_lock(lock_path(digest))) is None:
        if not told:
            on_wait()
            told = True
        pause(0.1)
    try:
        yield
    finally:
        os.close(fd)


@contextmanager
def locked_if_free(digest: str) -> Iterator[bool]:
    """Hold the template's lock while the block runs, or yield False if somebody else holds it."""
    fd = _try_lock(lock_path(digest))
    try:
        yield fd is not None
    finally:
        if fd is not None:
            os.close(fd)


def _try_lock(path: Path) -> int | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FamulusError(f"cannot make {path}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_still(path, fd):
            return fd
    except BlockingIOError:
        pass
    os.close(fd)
    return None


def _is_still(path: Path, fd: int) -> bool:
    """Tell whether nobody has removed the file between our open and our lock."""
    try:
        return path.stat().st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False
