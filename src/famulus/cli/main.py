# SPDX-License-Identifier: GPL-2.0-or-later
"""The command `famulus`: its verbs, and its end by errors and signals."""

import os
import signal
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from famulus import __version__
from famulus.base import run, signals, waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.base.text import visible
from famulus.cli.verbs import Verbs

app = typer.Typer(
    name="famulus",
    cls=Verbs,
    help="Emulate fabric-attached memory: Linux nodes that share one pool of memory.",
    epilog="Start with `famulus demo`, or `famulus up 4` and `famulus ssh 1`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"famulus {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 128 + signal interrupted."""
    signals.receive((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), _interrupt)
    try:
        app()
    except FamulusError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except Interrupted as interrupted:
        typer.echo("interrupted", err=True)
        sys.exit(interrupted.exit_code)
    except BrokenPipeError:
        # The reader of the output has gone, as `head` does. Without this, Python would report the
        # broken pipe a second time when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        show_error(_of_the_system(error))
        sys.exit(1)


def _of_the_system(error: OSError) -> FamulusError:
    """Return the system's error, such as a full disk or a file of another user, for the user."""
    where = f"{error.filename}: " if error.filename else ""
    return FamulusError(
        f"{where}{error.strerror or error}",
        hint="Is the disk full? Do FAMULUS_HOME and /tmp belong to you?",
    )


def show_error(error: FamulusError) -> None:
    """Print the error, its details and the cure on standard error."""
    screen = Console(emoji=False, stderr=True, highlight=False, soft_wrap=True)
    screen.print(f"[bold red]error:[/] {escape(visible(error.brief))}")
    for line in error.details.splitlines():
        screen.print(f"  [dim]│[/] {escape(visible(line))}")
    if error.hint:
        screen.print(f"[bold]hint:[/]  {escape(visible(error.hint))}")


def _interrupt(number: int) -> None:
    """End running programs; the verb sees the interrupt at its next wait and undoes its work."""
    waiting.interrupt(number)
    run.terminate_all()
