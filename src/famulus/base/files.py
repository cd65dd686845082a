# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a private file whole, or not at all; read the end of a log."""

import os
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


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of the text file `path`, or an empty string if it is unreadable."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
