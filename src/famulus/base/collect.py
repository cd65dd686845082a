# SPDX-License-Identifier: GPL-2.0-or-later
"""Read a program's output, until every process that holds the output has closed it or ended.

A caller may give up earlier. A program that is ended may leave its output open in another process:
ssh hands its output to the process that shares the connection, which keeps the output open for as
long as the node's command runs.
"""

import codecs
import io
import os
import select
import subprocess
from collections.abc import Callable, Iterator

_LOOK = 0.2  # seconds between two calls of `given_up`
_CHUNK = 65536  # bytes, as many as a pipe holds

GivenUp = Callable[[], bool]


def whole(process: subprocess.Popen[str], given_up: GivenUp) -> tuple[str, str]:
    """Return the standard output and error of `process`, once complete or once `given_up()`."""
    while True:
        try:
            return process.communicate(timeout=_LOOK)
        except subprocess.TimeoutExpired:
            if given_up():
                return _at_last(process)


def _at_last(process: subprocess.Popen[str]) -> tuple[str, str]:
    # The process may have printed and ended between the read and the call of `given_up`.
    try:
        return process.communicate(timeout=_LOOK)
    except subprocess.TimeoutExpired as waited:
        return _text(waited.stdout), _text(waited.stderr)


def lines(process: subprocess.Popen[str], given_up: GivenUp) -> Iterator[str]:
    """Yield each line of standard output, line end included, as `process` prints it."""
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
    # TimeoutExpired has bytes, even if the program's output is read as text.
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""
