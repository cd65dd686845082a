# SPDX-License-Identifier: GPL-2.0-or-later
"""The three standard streams: each is there, takes any text, and names itself in an error.

Without this, Python has None for a closed stream and shows a traceback for a character that the
encoding lacks; a write to a full pipe lasts until its reader reads, whatever the user interrupts.
"""

import codecs
import errno
import io
import os
import select
import stat
import sys
from typing import NoReturn, TextIO

from famulus.base import waiting
from famulus.base.errors import Interrupted

INPUT, OUTPUT, ERRORS = "standard input", "standard output", "standard error"

_LOOK = 0.2  # seconds between two looks at the interrupt flag
_PIECE = 4096  # bytes; as many fit into a pipe that is ready (PIPE_BUF)
_NARROWEST = 80  # columns for text into a pipe


class _Output(io.FileIO):
    """The descriptor `fd`, called `title`. An interrupt ends a write that waits for the reader."""

    def __init__(self, fd: int, title: str) -> None:
        super().__init__(fd, "w", closefd=False)
        self._title = title
        self._piece = None if stat.S_ISREG(os.fstat(fd).st_mode) else _PIECE

    def write(self, data: object) -> int:
        """Write a part of `data` and return its length. Raises OSError with the stream's name."""
        part = memoryview(data)[: self._piece]  # type: ignore[arg-type]
        try:
            while self._is_ready():
                written = super().write(part)
                if written is not None:  # None: no room, in a pipe that does not block
                    return written
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._title) from error
        return part.nbytes

    def _is_ready(self) -> bool:
        """Wait until the stream takes bytes. False: errors after an interrupt have no reader."""
        while not select.select([], [self], [], _LOOK)[1]:
            if waiting.interrupted() and self._title == ERRORS:
                return False
            waiting.check_interrupt()
        return True


class _ClosedInput(io.FileIO):
    """A descriptor that cannot be read."""

    def readinto(self, buffer: object) -> NoReturn:  # noqa: ARG002
        """Raise OSError with the stream's name."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), INPUT)


def prepare() -> None:
    """Make the three streams as described above. The main program calls this function first."""
    codecs.register_error("famulus", _substitute)
    _forget_useless_width()
    if sys.stdin is None:
        _occupy(0, os.O_WRONLY)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_ClosedInput(0, closefd=False)))
    if sys.stdout is None:
        _occupy(1, os.O_RDONLY)
    if sys.stderr is None:
        _occupy(2, os.O_WRONLY)
    sys.stdout = _text(sys.stdout, _Output(1, OUTPUT), by_line=False)
    sys.stderr = _text(sys.stderr, _Output(2, ERRORS), by_line=True)


def give_up_failing() -> None:
    """Print what the streams still hold; what cannot be printed now is lost.

    Without this, Python would try once more when it ends, and report the failure a second time.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, Interrupted):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _text(before: TextIO | None, raw: _Output, *, by_line: bool) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before else "utf-8",
        errors="famulus",
        line_buffering=by_line or raw.isatty(),
    )


def _substitute(error: UnicodeError) -> tuple[str | bytes, int]:
    """Stand for a character that the encoding lacks; a byte of a file's name stays that byte."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    try:
        return character.encode("ascii", "surrogateescape"), error.start + 1
    except UnicodeEncodeError:
        return character.encode("ascii", "backslashreplace").decode(), error.start + 1


def _occupy(fd: int, mode: int) -> None:
    """Open the closed descriptor `fd` so that no other file gets the number."""
    opened = os.open(os.devnull, mode)
    if opened != fd:
        os.dup2(opened, fd)
        os.close(opened)


def _forget_useless_width() -> None:
    """Remove COLUMNS if nothing fits into so few columns, or if it would cut text into a pipe."""
    width = os.environ.get("COLUMNS", "")
    few = 1 if sys.stdout and sys.stdout.isatty() else _NARROWEST
    if not width.isdecimal() or int(width) < few:
        os.environ.pop("COLUMNS", None)
