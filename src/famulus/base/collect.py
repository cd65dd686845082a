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


def whole(process: subprocess.Popen[bytes], given_up: GivenUp) -> tuple[str, str]:
    """Return the standard output and error of `process`, once complete or once `given_up()`."""
    while True:
        try:
            return _texts(*process.communicate(timeout=_LOOK))
        except subprocess.TimeoutExpired:
            if given_up():
                return _at_last(process)


def _at_last(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    # The process may have printed and ended between the read and the call of `given_up`.
    try:
        return _texts(*process.communicate(timeout=_LOOK))
    except subprocess.TimeoutExpired as waited:
        return _texts(waited.stdout, waited.stderr)


def _texts(*outputs: bytes | None) -> tuple[str, str]:
    stdout, stderr = ((output or b"").decode("utf-8", "replace") for output in outputs)
    return _lines_ended(stdout), _lines_ended(stderr)


def _lines_ended(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def lines(process: subprocess.Popen[bytes], given_up: GivenUp) -> Iterator[str]:
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
