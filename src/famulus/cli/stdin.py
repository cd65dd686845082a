# SPDX-License-Identifier: GPL-2.0-or-later
"""Data and answers from standard input."""

import typer

from famulus.base import stdin
from famulus.base.units import MIB


def read_stdin(limit: int) -> bytes:
    """Return standard input to its end, or its first `limit` bytes. Raises Interrupted."""
    chunks: list[bytes] = []
    while limit > 0 and (chunk := stdin.read(min(limit, MIB))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def confirm(question: str) -> bool:
    """Ask on standard error and return whether the answer is yes. End of input means no."""
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    answer = b""
    while not answer.endswith(b"\n") and (byte := stdin.read(1)):
        answer += byte
    return answer.strip().lower() in (b"y", b"yes")
