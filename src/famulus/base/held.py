# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that processes hold open although the files' names are gone.

A name can go while nodes use the file: systemd-logind (RemoveIPC) and cleaners of temporary files
remove names in /dev/shm. The kernel keeps the file until the last process closes it, and a link in
/proc/PID/fd opens the file. The file cannot get its name back: linkat(2) refuses.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path


class Held:
    """A file that this process holds open, too, until the object is deleted."""

    def __init__(self, link: Path) -> None:
        """Open the file to which `link`, a link in /proc/PID/fd, leads. Raises OSError."""
        self._file = FileIO(link, "r+b")

    @property
    def path(self) -> Path:
        """A path that opens the file, in any process of this user, while the object exists."""
        return Path(f"/proc/{os.getpid()}/fd/{self._file.fileno()}")


def held_by(pids: Iterable[int], path: Path, inode: int | None) -> Held | None:
    """Return the file that the first of the processes `pids` has opened as `path`.

    Returns None if `path` leads to that file, or no process has such a file open. `inode` is the
    number of the file's inode if that is known: the file may have got another name.
    """
    named = Path(os.path.realpath(path.parent)) / path.name
    for pid in pids:
        for link, target in _links(pid):
            if target in (str(named), f"{named} (deleted)") or _is(link, inode):
                return None if _same(link, path) else _held(link)
    return None


def _links(pid: int) -> Iterator[tuple[Path, str]]:
    with contextlib.suppress(OSError):  # the process ends, or is another user's
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                yield link, str(link.readlink())


def _is(link: Path, inode: int | None) -> bool:
    with contextlib.suppress(OSError):
        status = link.stat()
        return status.st_ino == inode and stat.S_ISREG(status.st_mode)
    return False


def _same(link: Path, path: Path) -> bool:
    try:
        return os.path.samestat(link.stat(), path.lstat())
    except OSError:
        return False


def _held(link: Path) -> Held | None:
    with contextlib.suppress(OSError):  # the process has just ended
        return Held(link)
    return None
