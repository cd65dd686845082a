# SPDX-License-Identifier: GPL-2.0-or-later
"""Draw events on a terminal: one live line for each step."""

import threading

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from famulus.base.events import Sink


class LiveSink(Sink):
    """A sink that shows a spinner, the detail and the elapsed time of each running step."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._progress: Progress | None = None

    def begin(self, step: str) -> None:
        """Add a live line."""
        with self._lock:
            if self._progress is None:
                self._progress = _live_lines(self._console)
                self._progress.start()
            self._tasks[step] = self._progress.add_task(escape(step), total=None, detail="")

    def detail(self, step: str, text: str) -> None:
        """Show the detail behind the step."""
        with self._lock:
            if self._progress and step in self._tasks:
                self._progress.update(self._tasks[step], detail=escape(text))

    def output(self, step: str, line: str) -> None:
        """Show nothing: the spinner moves, and the log has the line."""

    def end(self, step: str, seconds: float, failed: bool) -> None:
        """Replace the live line by a line that stays."""
        mark = "[red]✗[/]" if failed else "[green]✓[/]"
        with self._lock:
            if self._progress is None:
                return
            self._progress.remove_task(self._tasks.pop(step))
            if not self._tasks:
                self._progress.stop()
                self._progress = None
            self._console.print(f"{mark} {escape(step)} [dim]{seconds:.1f} s[/]", highlight=False)

    def note(self, text: str) -> None:
        """Print the note above the live lines."""
        self._console.print(f"[yellow]•[/] {escape(text)}", highlight=False, soft_wrap=True)


def _live_lines(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("[dim]{task.fields[detail]}[/]"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
