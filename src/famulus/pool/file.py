# SPDX-License-Identifier: GPL-2.0-or-later
"""The file of the pool: where it lies, making it, removing it. It is never shrunk or emptied."""

import os
import pwd
import stat
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.paths import POOL_NAME, SHARED_MEMORY
from famulus.base.units import format_size
from famulus.settings.fabric_name import DEFAULT_NAME
from famulus.settings.spec import FabricSpec

_SECTOR = 512  # the unit of st_blocks, stat(2)


def pool_path(name: str, spec: FabricSpec) -> Path:
    """Return where the pool of the fabric called `name` lies; it need not exist."""
    if spec.pool_file:
        return spec.pool_file
    return SHARED_MEMORY / (POOL_NAME if name == DEFAULT_NAME else f"{POOL_NAME}.{name}")


def ensure(path: Path, size: int) -> bool:
    """Make the pool at `path` with `size` bytes and mode 0600 where there is none.

    Returns whether it was made. One that exists is left as it is, every byte of it. Raises
    FamulusError if it exists with another size, is no regular file or is not the user's, or cannot
    be made.
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


def check(path: Path) -> os.stat_result:
    """Return the status of the pool at `path`.

    Raises FamulusError if there is none, or if what is there is no regular file, is a symbolic link
    or belongs to somebody else.
    """
    try:
        status = path.lstat()
    except FileNotFoundError as error:
        raise FamulusError(
            f"there is no pool at {path}", hint="`famulus up` makes one; a reboot empties /dev/shm."
        ) from error
    except OSError as error:
        raise _cannot("look at", path, error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "not a regular file"
        raise FamulusError(
            f"{path} is {kind} and cannot be the pool",
            hint="Remove it, or choose another file with --pool-file.",
        )
    if status.st_uid != os.geteuid():
        raise FamulusError(
            f"{path} belongs to {_user(status.st_uid)}",
            hint="Choose another fabric with --fabric NAME, or another file with --pool-file.",
        )
    return status


def remove(path: Path) -> None:
    """Remove the pool at `path` and all that is in it. Nothing happens if there is none."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot("remove", path, error) from error


def used_bytes(path: Path) -> int:
    """Return how many bytes of memory or disk the pool at `path` has taken; it is sparse."""
    return check(path).st_blocks * _SECTOR


def _adopt(path: Path, size: int) -> bool:
    """Take the pool that exists, and return whether it still had to be made."""
    status = check(path)
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _cannot("write to", path, error) from error
    if status.st_size == 0:
        _size(fd, path, size)  # whoever made it was killed before it had a size
        return True
    os.close(fd)
    if status.st_size != size:
        kept = format_size(status.st_size)
        raise FamulusError(
            f"the pool {path} has {kept}, not {format_size(size)}, and is never shrunk or emptied",
            hint=f"Use it as it is with `--pool {kept}`, or remove it and all that is in it with "
            "`famulus down --purge`.",
        )
    return False


def _size(fd: int, path: Path, size: int) -> None:
    """Give the new file its size and mode, whatever the umask; closes `fd`."""
    try:
        os.fchmod(fd, 0o600)
        os.ftruncate(fd, size)
    except OSError as error:
        raise _cannot(f"make {format_size(size)} of", path, error) from error
    finally:
        os.close(fd)


def _cannot(what: str, path: Path, error: OSError) -> FamulusError:
    return FamulusError(
        f"cannot {what} the pool {path}: {error.strerror}",
        hint="`--pool-file PATH` puts the pool elsewhere.",
    )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user id {number}"
