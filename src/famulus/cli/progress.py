# SPDX-License-Identifier: GPL-2.0-or-later
"""Draw events: one live line for each step on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable

from famulus.base.events import Sink
from famulus.cli.screen import screen


class PlainSink(Sink):
    """A sink that writes lines, for a pipe, a file or a CI log."""

    def __init__(self, *, verbose: bool, write: Callable[[str], None]) -> None:
        self._verbose = verbose
        self._write = write

    def begin(self, step: str) -> None:
        """Print that the step begins."""
        self._write(f"{step} ...")

    def detail(self, step: str, text: str) -> None:
        """Print the detail if verbose: each detail is a line that stays."""
        if self._verbose:
            self._write(f"{step}: {text}")

    def output(self, step: str, line: str) -> None:
        """Print a line of a program if verbose."""
        if self._verbose:
            self._write(f"{step} | {line}")

    def end(self, step: str, seconds: float, failed: bool) -> None:
        """Print the result of the step and its time."""
        self._write(f"{step}: {'failed' if failed else 'done'} after {seconds:.1f} s")

    def note(self, text: str) -> None:
        """Print the note."""
        self._write(f"note: {text}")


def make_sink(*, verbose: bool) -> Sink:
    """Return a sink for standard error: live lines on a terminal, plain lines elsewhere.

    Verbose output is always plain lines.
    """
    console = screen(errors=True)
    if console.is_terminal and not console.options.ascii_only and not verbose:
        from famulus.cli.live import LiveSink  # noqa: PLC0415 - only a terminal needs the module

        return LiveSink(console)
    return PlainSink(verbose=verbose, write=lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
