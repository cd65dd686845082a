# SPDX-License-Identifier: GPL-2.0-or-later
"""The pool's file: its path, creation and removal. No function shrinks or empties the file."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from famulus.base import user
from famulus.base.errors import FamulusError
from famulus.base.held import Held
from famulus.base.units import format_size

_SECTOR = 512  # the unit of st_blocks, stat(2)


@dataclass(frozen=True)
class Pool:
    """The pool at `path`; `file` is set while nodes hold a file to which `path` does not lead."""

    path: Path
    file: Held | None = None

    def __str__(self) -> str:
        return str(self.path)

    @property
    def held(self) -> Path | None:
        """The path that opens the pool while its own path does not lead to the pool."""
        return self.file.path if self.file else None

    @property
    def at(self) -> Path:
        """The path that opens the pool now."""
        return self.held or self.path

    def there(self) -> bool:
        """Tell whether the pool can be opened."""
        return self.at.exists()

    @contextmanager
    def opened(self, flags: int) -> Iterator[int]:
        """Yield a descriptor of the pool, opened with `flags`, which `check` has approved.

        Raises FamulusError as `check` does, and OSError if the pool cannot be opened.
        """
        check(self)
        follow = 0 if self.held else os.O_NOFOLLOW
        fd = os.open(self.at, flags | follow | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)


def ensure(path: Path, size: int) -> bool:
    """Make the pool at `path` with `size` bytes and mode 0600, unless there is one.

    Returns whether this call made the pool. An existing pool keeps every byte. Raises FamulusError
    if `path` has another size, is no regular file or not the user's, or if the pool cannot be made.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o600)
    except FileExistsError:
        return _adopt(path, size)
    except OSError as error:
        raise _cannot("make", path, error) from error
    try:
        _size(fd, path, size)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return True


def require_usable(path: Path, size: int) -> None:
    """Raise FamulusError if `ensure` would refuse the existing file at `path`; do nothing else."""
    if os.path.lexists(path):
        _require_size(path, check(Pool(path)), size)


def check(pool: Pool) -> os.stat_result:
    """Return the status of the pool.

    Raises FamulusError if there is no file, or if its path is no regular file, is a symbolic link
    or belongs to another user.
    """
    path = pool.path
    try:
        status = pool.held.stat() if pool.held else path.lstat()
    except FileNotFoundError as error:
        raise FamulusError(
            f"there is no pool at {path}",
            hint="`famulus up` makes a pool; a reboot empties /dev/shm.",
        ) from error
    except OSError as error:
        raise _cannot("look at", path, error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "not a regular file"
        raise FamulusError(
            f"{path} is {kind} and cannot be the pool",
            hint=f"Remove {path}, or choose another file with --pool-file.",
        )
    if status.st_uid != os.geteuid():
        raise FamulusError(
            f"{path} belongs to {user.called(status.st_uid)}",
            hint="Choose another fabric with --fabric NAME, or another file with --pool-file.",
        )
    return status


def remove(path: Path) -> None:
    """Remove the pool at `path` with its contents, if there is one. Raises FamulusError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot("remove", path, error) from error


def used_bytes(pool: Pool) -> int:
    """Return the bytes of memory or disk that the pool takes; the file is sparse."""
    return check(pool).st_blocks * _SECTOR


def _adopt(path: Path, size: int) -> bool:
    """Check the existing file. Return whether the file was empty and this call set its size."""
    status = check(Pool(path))
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _cannot("write to", path, error) from error
    if status.st_size == 0:
        _size(fd, path, size)  # a process was killed between open() and ftruncate()
        return True
    os.close(fd)
    _require_size(path, status, size)
    return False


def _require_size(path: Path, status: os.stat_result, size: int) -> None:
    if status.st_size not in (0, size):
        kept = format_size(status.st_size)
        raise FamulusError(
            f"the pool {path} has {kept}, not {format_size(size)}, and is never shrunk or emptied",
            hint=f"Use the pool as it is with `--pool {kept}`; or remove pool and data, with "
            f"`famulus down --purge` if this fabric made the file, else with `rm {path}`.",
        )


def _size(fd: int, path: Path, size: int) -> None:
    """Set the size and the mode, which no umask changes, of the new file `fd`, and close `fd`."""
    try:
        os.fchmod(fd, 0o600)
        os.ftruncate(fd, size)
    except OSError as error:
        raise _cannot(f"make {format_size(size)} of", path, error) from error
    finally:
        os.close(fd)


def _cannot(verb: str, path: Path, error: OSError) -> FamulusError:
    return FamulusError(
        f"cannot {verb} the pool {path}: {error.strerror}",
        hint="`--pool-file PATH` puts the pool elsewhere.",
    )
