# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that are whole or not there, and a full disk that reads as such."""

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
_CURE = "Free some, or write to a folder on a larger disk."


class NoRoom(FamulusError):  # noqa: N818 - not an error of ours
    """The disk below a folder is full. `detail` says what is known of that."""

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
    """Yield the name of a file beside `target`, which becomes `target` when the block ends well.

    Otherwise it is removed, and `target` stays what it was. Raises NoRoom for a full disk,
    FamulusError for what else the system refuses.
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

    What killed processes left of theirs goes too. Raises OSError.
    """
    for left in parent.glob(f"{_SCRATCH}*"):
        with suppress(OSError):  # it is in use, or somebody else's
            _sweep(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=parent) as name:
        folder = Path(name)
        with folder_locked_if_free(folder):
            yield folder


def _sweep(folder: Path) -> None:
    if any(folder.iterdir()):  # an empty one may have been made just now, and not be locked yet
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
    """Raise what goes wrong in the block, which writes below `folder`, so that a user reads it."""
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
