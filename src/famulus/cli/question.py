# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions with the answer yes or no."""

import sys
from collections.abc import Callable

import typer


def asker(*, yes: bool) -> Callable[[str], bool]:
    """Return the function that asks a question, or, with `yes`, a function that always says yes."""
    return (lambda _: True) if yes else ask


def ask(question: str) -> bool:
    """Ask until the answer is yes or no. The end of input means no."""
    while True:
        typer.echo(f"{question} (yes/no)? ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            typer.echo("no", err=True)
            return False
        if line.strip().lower() in ("yes", "y", "no", "n"):
            return line.strip().lower().startswith("y")
