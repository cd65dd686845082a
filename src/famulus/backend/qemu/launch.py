# SPDX-License-Identifier: GPL-2.0-or-later
"""Start a QEMU that goes into the background, and keep its words if it does not start.

With `-D` and `-daemonize`, QEMU prints its messages into the log file, not on standard error.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from famulus.backend.machine import LaunchError
from famulus.backend.qemu.arguments import LOG
from famulus.base.errors import FamulusError
from famulus.base.files import tail
from famulus.base.run import run

_TIMEOUT = 60.0  # seconds in which QEMU has daemonised, on a busy host


def launch(
    argv: Sequence[str], folder: Path, *, stdin: str = "", pass_fds: Sequence[int] = ()
) -> None:
    """Start the QEMU with the arguments `argv`, whose log is the file LOG in `folder`.

    On return QEMU has daemonised. Raises LaunchError with QEMU's words if QEMU refuses, ends or
    takes too long; no QEMU runs then.
    """
    (folder / LOG).unlink(missing_ok=True)  # an earlier start's
    try:
        run(argv, timeout=_TIMEOUT, stdin=stdin, pass_fds=pass_fds, cwd=folder)
    except FamulusError as error:
        error.add_details(last_words(folder))
        raise LaunchError(error.brief, details=error.details, hint=error.hint) from error


def last_words(folder: Path) -> str:
    """Return the last lines that the QEMU with its log in `folder` printed, or an empty string."""
    return tail(folder / LOG)


@contextmanager
def with_last_words(folder: Path) -> Iterator[None]:
    """Add the last words of the QEMU with its log in `folder` to an error of the block."""
    try:
        yield
    except FamulusError as error:
        error.add_details(last_words(folder))
        raise
