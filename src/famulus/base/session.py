# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a program that the user sees: on the user's own terminal, or with its output passed on."""

import contextlib
import os
import select
import selectors
import subprocess
from collections.abc import Callable
from enum import Enum, auto
from threading import Thread
from typing import IO, cast

from famulus.base import waiting
from famulus.base.run import (
    Argv,
    Program,
    child,
    end_group,
    ended_after,
    failure,
    for_log,
    log,
    was_ended,
    words_of,
)

_LOOK = 0.2  # seconds between two looks whether the program shall end
_CHUNK = 65536  # bytes, as many as a pipe holds
_LONGEST = 1 << 20  # bytes of a line
_TERM_GRACE = 3.0  # seconds between SIGTERM and SIGKILL


class Stream(Enum):
    """The two outputs of a program."""

    OUT = auto()
    ERR = auto()


OnLine = Callable[[Stream, bytes], None]


def _never() -> bool:
    return False


def interactive(argv: Argv, shall_end: Callable[[], bool] = _never) -> int:
    """Run a program on the user's terminal and return its exit code, 128 + signal if killed.

    When `shall_end()` becomes true, the program is ended. Raises FamulusError if the program cannot
    be started, and Interrupted if the user interrupts.
    """
    log.debug("run: %s", for_log(argv))
    try:
        process = subprocess.Popen(words_of(argv))
    except OSError as error:
        raise failure(argv, error.strerror or str(error), "") from error
    _await(process, shall_end, _end)
    waiting.check_interrupt()
    return _code(process)


def _code(process: Program) -> int:
    code = int(process.returncode)
    return code if code >= 0 else 128 - code


def _await(process: Program, shall_end: Callable[[], bool], end: Callable[[Program], None]) -> None:
    """Wait for the end of `process`, which `end` brings about when `shall_end()` becomes true."""
    waiter = Thread(target=process.wait, daemon=True)
    waiter.start()
    while waiter.is_alive():
        waiter.join(_LOOK)
        if waiter.is_alive() and (shall_end() or waiting.interrupted()):
            end(process)


def _end(process: Program) -> None:
    process.terminate()  # ssh gives the terminal back
    try:
        process.wait(_TERM_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def relay(
    argv: Argv, on_line: OnLine, shall_end: Callable[[], bool], *, timeout: float, feed: bool
) -> int:
    """Run a program and give each line that the program prints to `on_line` at once.

    Returns the exit code, 128 + signal if the program was killed. A line comes without its line
    feed and otherwise unchanged; a line of more than 1 MiB comes in parts. With `feed`, the program
    reads the standard input of this process, otherwise an empty one. When `shall_end()` becomes
    true, the program is ended; another process may then keep the output open, as the shared
    connection of ssh does. Raises FamulusError and Interrupted as `run` does, and all that
    `on_line` raises.
    """
    waiting.check_interrupt()
    log.debug("run: %s", for_log(argv))
    stdin = subprocess.PIPE if feed else subprocess.DEVNULL
    with (
        child(argv, stdin=stdin, stderr=subprocess.PIPE) as process,
        ended_after(process, timeout) as late,
    ):
        if process.stdin:
            Thread(target=_feed, args=(process.stdin,), daemon=True).start()
        _pass_on(process, on_line, shall_end)
    waiting.check_interrupt()
    if late.is_set():
        raise failure(argv, f"took longer than {timeout:g} s and was ended", "")
    return _code(process)


def _feed(pipe: IO[bytes]) -> None:
    """Give standard input to `pipe` until the input or the reader of the pipe ends."""
    with contextlib.suppress(OSError), pipe:
        while select.select([0], [], []) and (data := os.read(0, _CHUNK)):
            pipe.write(data)
            pipe.flush()


def _pass_on(process: Program, on_line: OnLine, shall_end: Callable[[], bool]) -> None:
    outputs = {Stream.OUT: process.stdout, Stream.ERR: process.stderr}
    lines = [_Lines(stream, on_line) for stream in outputs]
    over = False
    with selectors.DefaultSelector() as selector:
        for file, cut in zip(outputs.values(), lines, strict=True):
            selector.register(cast("IO[bytes]", file), selectors.EVENT_READ, cut)
        while selector.get_map() and not over:
            if shall_end():
                end_group(process)
            over = was_ended(process)
            _read(selector, 0 if over else _LOOK)
    for cut in lines:
        cut.finish()
    _await(process, shall_end, end_group)


def _read(selector: selectors.BaseSelector, timeout: float) -> None:
    """Hand over what has arrived within `timeout` seconds, at most a pipe full."""
    for key, _ in selector.select(timeout):
        data = os.read(key.fd, _CHUNK)
        key.data.add(data)
        if not data:
            selector.unregister(key.fileobj)


class _Lines:
    """Cuts the bytes of a stream into lines and hands the lines over."""

    def __init__(self, stream: Stream, on_line: OnLine) -> None:
        self._stream = stream
        self._on_line = on_line
        self._rest = b""

    def add(self, data: bytes) -> None:
        """Hand over the lines that `data` ends, and a part of a line that is too long."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._on_line(self._stream, line)
        if len(self._rest) >= _LONGEST:
            self.finish()

    def finish(self) -> None:
        """Hand over the rest, which has no line end."""
        if self._rest:
            self._on_line(self._stream, self._rest)
        self._rest = b""
