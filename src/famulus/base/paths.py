# SPDX-License-Identifier: GPL-2.0-or-later
"""The paths of Famulus: folders below FAMULUS_HOME, and the sockets', which must be short."""

import contextlib
import hashlib
import os
import re
import stat
from pathlib import Path

from famulus.base import user
from famulus.base.errors import FamulusError, UsageError

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a user of the path checks owner and mode
POOL_NAME = "fabric_em"  # of the pool's file there; the script of 2016 has the same name
# Control characters, and the characters for bytes that are not UTF-8 (os.fsdecode).
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def home() -> Path:
    """Return $FAMULUS_HOME, by default `famulus` in the XDG data folder.

    Raises UsageError if the path cannot be written into a file that ssh reads.
    """
    own, data = os.environ.get("FAMULUS_HOME"), os.environ.get("XDG_DATA_HOME")
    folder = expanded(Path(own)) if own else expanded(Path(data or "~/.local/share")) / "famulus"
    if not is_text(str(folder)) or "${" in str(folder):
        raise UsageError(
            f"{str(folder)!r} cannot be the folder of Famulus",
            hint="Set FAMULUS_HOME to a path in UTF-8 without control characters and without '${'.",
        )
    return folder


def is_text(path: str) -> bool:
    """Tell whether `path` is UTF-8 without control characters: one line of a file can name it."""
    return not _NO_TEXT.search(path)


def expanded(path: Path) -> Path:
    """Return the absolute `path`; a leading `~` or `~user` becomes the home of that user.

    Raises UsageError if no home of that user is known.
    """
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(
            f"{path} means no folder: {_why_no_home(path.parts[0].removeprefix('~'))}",
            hint="Write the whole path; or set HOME, or FAMULUS_HOME, to a folder of your own.",
        ) from error


def _why_no_home(name: str) -> str:
    return f"there is no user {name}" if name else f"no home of {user.called(os.getuid())} is known"


def source_folder(name: str) -> Path:
    """Return the source folder `name`: in an installed package, else in the repository."""
    package = Path(__file__).parents[1]
    installed = package / name
    return installed if installed.is_dir() else package.parents[1] / name


def templates() -> Path:
    """Return the folder of the templates, which has a folder for each digest."""
    return home() / "templates"


def snapshots() -> Path:
    """Return the folder of the snapshots, which has a folder for each digest."""
    return home() / "snapshots"


def plugins() -> Path:
    """Return the folder of the programs compiled for QEMU, which has a folder for each digest."""
    return home() / "plugins"


def fabrics() -> Path:
    """Return the folder of the fabrics, which has a folder for each name."""
    return home() / "fabrics"


def make_private(folder: Path) -> Path:
    """Make `folder` and its missing parents, with mode 0700, and return `folder`.

    Raises FamulusError if that fails.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise FamulusError(
            f"cannot make the folder {folder}: {error.strerror}",
            hint="Set FAMULUS_HOME to a folder that can be written to.",
        ) from error
    return folder


def socket_folder(fabric_folder: Path) -> Path:
    """Return the 0700 folder for the sockets of the fabric that lies in `fabric_folder`.

    A Unix socket's path has at most 107 bytes (unix(7)), and FAMULUS_HOME may lie anywhere. The
    folder therefore is in /tmp, and its path follows from `fabric_folder` alone, so that every
    process finds the folder. Raises FamulusError if the folder cannot be made or is not private.
    """
    parent = Path("/tmp") / f"famulus-{os.getuid()}"  # noqa: S108 - owner and mode are checked
    folder = parent / hashlib.sha256(os.fsencode(fabric_folder)).hexdigest()[:12]
    for path in (parent, folder):
        try:
            with contextlib.suppress(FileExistsError):  # its owner and mode are checked next
                path.mkdir(mode=0o700)
        except OSError as error:
            raise FamulusError(
                f"cannot make the folder {path}: {error.strerror}", hint="Is /tmp full?"
            ) from error
        _check_owner(path)
    return folder


def _check_owner(path: Path) -> None:
    status = path.lstat()
    private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) & 0o077 == 0
    if status.st_uid != os.getuid() or not private:
        raise FamulusError(
            f"{path} is not a private folder of yours",
            hint=f"Remove the folder, or ask its owner (user id {status.st_uid}) to remove it.",
        )
