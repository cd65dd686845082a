# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a private file whole, or not at all; read a regular file; read the end of a log."""

import errno
import os
import stat
import threading
from pathlib import Path

from famulus.base.errors import FamulusError


def write_private(path: Path, data: str | bytes, mode: int = 0o600) -> None:
    """Make `data` the contents of the file `path`, whose mode is `mode` less the umask.

    A reader sees the old file or the new one, never a part. Raises FamulusError if the file cannot
    be written; the old file then stays.
    """
    content = data.encode() if isinstance(data, str) else data
    part = path.with_name(f".{path.name}.{threading.get_native_id()}")  # threads may write at once
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
        part.rename(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FamulusError(
            f"cannot write {path}: {error.strerror}", hint="Is the disk full?"
        ) from error


def read_regular(path: Path) -> bytes:
    """Return the bytes of the regular file `path`.

    Raises OSError for anything else: a pipe would wait for its writer, a device may have no end.
    """
    with open(path, "rb", opener=without_wait) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return file.read()


def without_wait(path: str, flags: int) -> int:
    """Open `path`, as an opener of open(); a pipe or a terminal does not wait."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of the text file `path`, or an empty string if it is unreadable."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
