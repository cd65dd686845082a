# SPDX-License-Identifier: GPL-2.0-or-later
"""Standard input: may it be read, and reads that an interrupt ends."""

import os
import select
import sys

import typer

from famulus.base.units import MIB
from famulus.base.waiting import check_interrupt


def is_readable() -> bool:
    """Tell whether standard input may be read: it is open, and no terminal of another job.

    A job in the background that reads from its terminal is stopped.
    """
    try:
        os.fstat(0)
        return not os.isatty(0) or os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def read_stdin(limit: int) -> bytes:
    """Return standard input to its end, or its first `limit` bytes. Raises Interrupted."""
    chunks: list[bytes] = []
    while limit > 0 and (chunk := _chunk(min(limit, MIB))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def confirm(question: str) -> bool:
    """Ask on standard error and return whether the answer is yes. End of input means no."""
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    answer = b""
    while not answer.endswith(b"\n") and (byte := _chunk(1)):
        answer += byte
    return answer.strip().lower() in (b"y", b"yes")


def _chunk(size: int) -> bytes:
    fd = sys.stdin.fileno()
    while not select.select([fd], [], [], 0.2)[0]:
        check_interrupt()
    check_interrupt()
    return os.read(fd, size)
