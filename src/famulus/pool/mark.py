# SPDX-License-Identifier: GPL-2.0-or-later
"""The mark of a pool: a file beside the pool that says which fabric uses the pool.

Fabrics of several FAMULUS_HOMEs meet in /dev/shm, and any fabric may be given any file. So a fabric
marks its pool, leaves the pools of other fabrics alone, and removes a file only if the mark says
that the fabric made the file. The mark is also the lock under which a pool is made, taken and
removed.
"""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from famulus.base import lockfile, paths, user
from famulus.base.errors import FamulusError
from famulus.base.files import read_regular
from famulus.state.folder import has_fabric

_TIMEOUT = 60.0  # seconds; a mark is locked for moments
_ABOUT_TO_BE_MADE = 0  # in place of an inode's number


@dataclass(frozen=True)
class Owner:
    """The fabric called `fabric` of the FAMULUS_HOME `home`, a path without links."""

    home: str
    fabric: str

    def __str__(self) -> str:
        return f"fabric '{self.fabric}' of {self.home}"

    def exists(self) -> bool:
        """Tell whether the fabric exists; True if that cannot be known."""
        try:
            return has_fabric(Path(self.home), self.fabric)
        except (OSError, ValueError):  # ValueError: of a path that no system has
            return True


def owner(fabric: str) -> Owner:
    """Return the fabric called `fabric` of the present FAMULUS_HOME."""
    return Owner(os.path.realpath(paths.home()), fabric)


@dataclass(frozen=True)
class Mark:
    """The contents of a mark: the fabric, whether it made the file, and the file's inode."""

    owner: Owner
    made: bool
    inode: int


class Standing(Enum):
    """The relation of a fabric to a path."""

    FREE = "there is no file, and no other fabric waits for its file to come back"
    OURS = "the file is the fabric's pool"
    LEFT = "the file is the pool of a fabric that is gone"
    UNKNOWN = "the file has no mark, or has replaced the file that was marked"
    TAKEN = "the path is another fabric's or another user's, or leads to no regular file"


class TakenError(FamulusError):
    """The path is TAKEN; `mark` is the mark of the other fabric, if the mark can be read."""

    def __init__(self, path: Path, mark: Mark | None) -> None:
        super().__init__(
            f"{path} {whose(path)}",
            hint="Choose another fabric with --fabric NAME, or another file with --pool-file.",
        )
        self.mark = mark


def whose(path: Path) -> str:
    """Return the words that follow `path` in a message about a TAKEN path."""
    if mark := _read(path):
        return f"is the pool of {mark.owner}"
    with suppress(OSError):
        status = path.lstat()
        if status.st_uid != os.geteuid():
            return f"belongs to {user.called(status.st_uid)}"
    return "is not a regular file of yours"


def look(path: Path, me: Owner) -> tuple[Standing, Mark | None]:
    """Return the relation of the fabric `me` to `path`, and the mark of `path`."""
    status, mark = _status(path), _read(path)
    if not _is_own(_beside(path)) or (status and not _is_own(path)):
        return Standing.TAKEN, None
    if status and (mark is None or mark.inode not in (_ABOUT_TO_BE_MADE, status.st_ino)):
        return Standing.UNKNOWN, mark
    if mark and mark.owner != me and mark.owner.exists():
        return Standing.TAKEN, mark
    if status is None:
        return Standing.FREE, mark
    return Standing.OURS if mark and mark.owner == me else Standing.LEFT, mark


def locks(path: Path) -> bool:
    """Tell whether the mark of `path` can be locked: its folder exists, for this user to change."""
    return os.access(path.parent, os.W_OK | os.X_OK)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of the mark of `path` while the block runs; an empty mark is removed then.

    Does without the lock where the file system has no locks. Raises FamulusError if the mark cannot
    be made.
    """
    try:
        fd = lockfile.acquire(_beside(path), lambda _: None, timeout=_TIMEOUT)
    except lockfile.NoLocksError:
        fd = os.open(_beside(path), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield
    finally:
        if os.fstat(fd).st_size == 0:
            _beside(path).unlink(missing_ok=True)
        os.close(fd)


def write(path: Path, me: Owner, *, made: bool) -> None:
    """Mark the file at `path`, or the file that is about to be made, as the pool of `me`.

    The caller holds the lock.
    """
    status = _status(path)
    put(path, Mark(me, made, status.st_ino if status else _ABOUT_TO_BE_MADE))


def put(path: Path, mark: Mark | None) -> None:
    """Make `mark` the mark of `path`; None removes the mark. The caller holds the lock."""
    if mark is None:
        _beside(path).unlink(missing_ok=True)
        return
    words = {"home": mark.owner.home, "fabric": mark.owner.fabric}
    text = json.dumps({**words, "made": mark.made, "inode": mark.inode})
    _beside(path).write_text(text + "\n", encoding="utf-8")


def inode_of(path: Path) -> int | None:
    """Return the number of the inode of the file that was marked at `path`, if there is a mark."""
    found = _read(path)
    return found.inode if found else None


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.famulus")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None


def _is_own(path: Path) -> bool:
    """Tell whether `path` is a regular file of the present user, or nothing."""
    status = _status(path)
    return status is None or (stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid())


def _read(path: Path) -> Mark | None:
    """Return the mark of `path`, or None if there is none of the present user."""
    if not _is_own(_beside(path)):
        return None
    try:
        raw = json.loads(read_regular(_beside(path)))
        owned = Owner(str(raw["home"]), str(raw["fabric"]))
        return Mark(owned, bool(raw["made"]), int(raw["inode"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
