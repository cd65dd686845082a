# SPDX-License-Identifier: GPL-2.0-or-later
"""The analyser as a child process: it reads the nodes' rings while a block of code runs."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from famulus.base.errors import FamulusError, Interrupted
from famulus.base.run import run
from famulus.base.waiting import wait_until
from famulus.checker.rings import forget_reader, reader

_TIMEOUT = 86_400.0  # seconds
_BEGIN_TIMEOUT = 60.0  # seconds, on a busy host
STOP = "stop"  # the file in the rings' folder that ends the analyser, see native/analyser/main.c


class AnalyserError(FamulusError):
    """The analyser ended before its time. Events are lost, so that nobody knows the defects."""


def parse_output(text: str, log: str = "") -> list[dict[str, Any]]:
    """Return the objects of the analyser's output, one for each line.

    Raises AnalyserError, with the analyser's `log`, if the output is not whole.
    """
    try:
        found = [json.loads(line) for line in text.splitlines()]
    except ValueError:
        found = []
    if not any("events" in line for line in found):
        raise AnalyserError(
            "the checker has ended before its time; its events are lost",
            details=log,
            hint="Was the host short of memory or disk space?",
        )
    return found


class Analyser:
    """Run `program` over the rings in `folder` from `__enter__` to `finish`.

    On the return of `__enter__`, the analyser reads: no event is lost from then on.
    """

    def __init__(self, program: Path, folder: Path, words: Sequence[str] = ()) -> None:
        self._argv: list[str | Path] = [program, *words, folder]
        self._folder = folder
        self._stop = folder / STOP
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._output = ""
        self._error: FamulusError | Interrupted | None = None

    def __enter__(self) -> "Analyser":
        self._stop.unlink(missing_ok=True)
        forget_reader(self._folder)
        self._thread.start()
        wait_until("the checker to begin", self._has_begun, timeout=_BEGIN_TIMEOUT, interval=0.01)
        return self

    def _has_begun(self) -> bool:
        return reader(self._folder) is not None or not self._thread.is_alive()

    def __exit__(self, *_: object) -> None:
        self._stop.touch()
        self._thread.join()
        self._stop.unlink(missing_ok=True)

    def finish(self) -> list[dict[str, Any]]:
        """Let the analyser read the rest of the rings, and return its output: an object a line.

        Raises AnalyserError if the analyser failed.
        """
        self.__exit__()
        if isinstance(self._error, Interrupted):
            raise self._error
        if self._error:
            raise AnalyserError(self._error.brief, details=self._error.details) from self._error
        return parse_output(self._output)

    def _run(self) -> None:
        try:
            self._output = run(self._argv, timeout=_TIMEOUT).stdout
        except (FamulusError, Interrupted) as error:
            self._error = error
