# SPDX-License-Identifier: GPL-2.0-or-later
"""Write files that are whole or not there, and report a full disk as a full disk."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.lockfile import folder_locked_if_free
from famulus.base.units import human_size
from famulus.host.space import free_bytes

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SCRATCH = ".famulus-export-"
_CURE = "Free some space, or write to a folder on a larger disk."


class NoRoom(FamulusError):  # noqa: N818 - the name says the state of the disk
    """The disk of a folder is full. `detail` is the end of the message's first line."""

    def __init__(self, folder: Path, detail: str = "") -> None:
        super().__init__(f"no space left in {folder}{detail}", hint=_CURE)
        self.detail = detail


def check_room(folder: Path, need: int) -> None:
    """Raise NoRoom unless `need` bytes are free in `folder`."""
    free = free_bytes(folder)
    if free < need:
        raise NoRoom(folder, f": up to {human_size(need)} are needed, {human_size(free)} are free")


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Yield the path of a file beside `target`, which becomes `target` if the block succeeds.

    If the block fails, the file is removed and `target` stays. Raises NoRoom for a full disk,
    FamulusError for another error of the system.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with explained(target.parent):
            yield part
            publish(part, target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Yield a new private folder in `parent`, which is removed when the block ends.

    The scratch folders of killed processes are removed, too. Raises OSError.
    """
    for left in parent.glob(f"{_SCRATCH}*"):
        with suppress(OSError):  # the folder has gone, or is another user's
            _sweep(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=parent) as name:
        folder = Path(name)
        with folder_locked_if_free(folder):
            yield folder


def _sweep(folder: Path) -> None:
    if any(folder.iterdir()):  # a process may have just made an empty folder, and not locked it yet
        with folder_locked_if_free(folder) as is_free:
            if is_free:
                shutil.rmtree(folder)


def publish(part: Path, target: Path) -> None:
    """Make the finished file `part` the file `target`, for its owner only. Raises OSError."""
    with suppress(PermissionError):  # a file system without modes, as a memory stick has
        part.chmod(0o600)
    part.replace(target)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn errors of the block, which writes below `folder`, into errors for the user."""
    try:
        yield
    except NoRoom as error:
        raise NoRoom(folder, error.detail) from error
    except FamulusError as error:
        if not any(os.strerror(number) in error.details for number in _FULL):
            raise
        raise NoRoom(folder) from error
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom(folder) from error
        raise FamulusError(
            f"cannot write into {folder}: {error.strerror or error}",
            hint="Write to another folder.",
        ) from error
