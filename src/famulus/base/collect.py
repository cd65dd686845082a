# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program prints, until all who could print have ended, or until nobody is waited for.

A program that is ended may leave its output open with another: ssh hands its own to the process
that shares its connection, which holds it for as long as the node's command runs.
"""

import codecs
import io
import os
import select
import subprocess
from collections.abc import Callable, Iterator

_LOOK = 0.2  # seconds between looks whether to give up
_CHUNK = 65536  # bytes, as many as a pipe holds

GivenUp = Callable[[], bool]


def whole(process: subprocess.Popen[str], given_up: GivenUp) -> tuple[str, str]:
    """Return what `process` prints on standard output and error."""
    while True:
        try:
            return process.communicate(timeout=_LOOK)
        except subprocess.TimeoutExpired:
            if given_up():
                return _at_last(process)


def _at_last(process: subprocess.Popen[str]) -> tuple[str, str]:
    # It may have said its last between the look at its output and that at its end.
    try:
        return process.communicate(timeout=_LOOK)
    except subprocess.TimeoutExpired as waited:
        return _text(waited.stdout), _text(waited.stderr)


def lines(process: subprocess.Popen[str], given_up: GivenUp) -> Iterator[str]:
    """Yield each line that `process` prints on standard output, its end included, as it comes."""
    assert process.stdout is not None  # noqa: S101 - a pipe, see run.py
    file = process.stdout.fileno()
    decoder = io.IncrementalNewlineDecoder(
        codecs.getincrementaldecoder("utf-8")("replace"), translate=True
    )
    rest, data = "", b"-"
    while data:
        last = given_up()
        if select.select([file], [], [], 0 if last else _LOOK)[0]:
            data = os.read(file, _CHUNK)
            *begun, rest = (rest + decoder.decode(data, final=not data)).split("\n")
            yield from (line + "\n" for line in begun)
        if last:
            break
    if rest:
        yield rest


def _text(output: str | bytes | None) -> str:
    # Python hands over bytes here, even from a program whose output is text.
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""
