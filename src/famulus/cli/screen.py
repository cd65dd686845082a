# SPDX-License-Identifier: GPL-2.0-or-later
"""The console for tables and lines: a terminal has a width, a pipe and a file have none."""

from rich.console import Console

_UNBOUNDED = 100_000  # columns; Rich pads no line to the width of the console


def screen(*, errors: bool = False) -> Console:
    """Return the console of standard output, or of standard error if `errors`.

    Nothing that is printed into a pipe or a file is cut or wrapped. Words get neither colours
    nor emoji of their own.
    """
    console = Console(stderr=errors, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _UNBOUNDED
    return console
