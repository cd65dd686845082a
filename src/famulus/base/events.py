# SPDX-License-Identifier: GPL-2.0-or-later
"""Events that work reports: steps and notes. A sink draws them; the log always has them."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("famulus")


class Sink:
    """The base class of everything that draws events; this class draws nothing.

    Every method may be called from any thread.
    """

    def begin(self, step: str) -> None:
        """Show that `step` has begun."""

    def detail(self, step: str, text: str) -> None:
        """Show `text` as the present state of `step`."""

    def output(self, step: str, line: str) -> None:
        """Show a line that a program printed during `step`; only a verbose sink does."""

    def end(self, step: str, seconds: float, failed: bool) -> None:
        """Show that `step` is over."""

    def note(self, text: str) -> None:
        """Show a line that the user should know."""


class Step:
    """A step under way."""

    def __init__(self, sink: Sink, name: str) -> None:
        self._sink = sink
        self.name = name

    def detail(self, text: str) -> None:
        """Report `text` as the present state of this step."""
        log.debug("%s: %s", self.name, text)
        self._sink.detail(self.name, text)

    def output(self, line: str) -> None:
        """Report a line that a program printed."""
        log.debug("%s | %s", self.name, line)
        self._sink.output(self.name, line)


class Events:
    """Reports events to a sink and to the log: named steps with begin and end, and notes."""

    def __init__(self, sink: Sink | None = None) -> None:
        self._sink = sink or Sink()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Report step `name` as under way while the block runs, and then its duration."""
        log.info("%s: begins", name)
        self._sink.begin(name)
        start = time.monotonic()
        failed = True
        try:
            yield Step(self._sink, name)
            failed = False
        finally:
            seconds = time.monotonic() - start
            log.info("%s: %s after %.2f s", name, "failed" if failed else "done", seconds)
            self._sink.end(name, seconds, failed)

    def note(self, text: str) -> None:
        """Report `text`, which is no error, to the user."""
        log.info("note: %s", text)
        self._sink.note(text)
