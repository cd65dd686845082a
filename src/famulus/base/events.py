# SPDX-License-Identifier: GPL-2.0-or-later
"""What the core reports while it works. Faces draw it; the log always has it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("famulus")


class Sink:
    """What draws events. This one draws nothing; faces inherit from it.

    Every method may be called from any thread.
    """

    def begin(self, step: str) -> None:
        """Show that `step` has begun."""

    def detail(self, step: str, text: str) -> None:
        """Show where `step` stands now."""

    def output(self, step: str, line: str) -> None:
        """Show a line that a program printed during `step`; only a verbose face does."""

    def end(self, step: str, seconds: float, failed: bool) -> None:
        """Show that `step` is over."""

    def note(self, text: str) -> None:
        """Show a line the user should know."""


class Step:
    """One step under way."""

    def __init__(self, sink: Sink, name: str) -> None:
        self._sink = sink
        self.name = name

    def detail(self, text: str) -> None:
        """Report where this step stands now."""
        log.debug("%s: %s", self.name, text)
        self._sink.detail(self.name, text)

    def output(self, line: str) -> None:
        """Report a line that a program printed."""
        log.debug("%s | %s", self.name, line)
        self._sink.output(self.name, line)


class Events:
    """The core's mouth: steps with a name, a begin and an end, and notes between them."""

    def __init__(self, sink: Sink | None = None) -> None:
        self._sink = sink or Sink()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Report `name` as under way while the block runs, and how long it took."""
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
        """Tell the user something that is no error."""
        log.info("note: %s", text)
        self._sink.note(text)
