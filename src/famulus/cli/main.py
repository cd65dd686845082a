# SPDX-License-Identifier: GPL-2.0-or-later
"""The command `famulus`: its verbs, and its end by errors and signals."""

import signal
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from famulus import __version__
from famulus.base import run, signals, waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.base.text import visible
from famulus.cli.screen import screen
from famulus.cli.streams import ERRORS, INPUT, OUTPUT, give_up_failing
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
    signals.receive((signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT), _interrupt)
    try:
        _run()
    except FamulusError as error:
        _fail(error, error.exit_code)
    except Interrupted as interrupted:
        _fail("interrupted", interrupted.exit_code)
    except BrokenPipeError:  # the reader of the output has gone, as `head` does
        _fail("", 1)
    except OSError as error:
        _fail(_of_the_system(error), 1)


def _run() -> None:
    try:
        app()
    except SystemExit:
        sys.stdout.flush()  # the last write may fail, too
        raise


def _fail(reason: FamulusError | str, code: int) -> NoReturn:
    """Print the reason, if there is one and somebody reads it, and exit with `code`."""
    with suppress(OSError):
        if isinstance(reason, FamulusError):
            show_error(reason)
        elif reason:
            typer.echo(reason, err=True)
    give_up_failing()
    sys.exit(code)


def _of_the_system(error: OSError) -> FamulusError:
    """Return the system's error, such as a full disk or a file of another user, for the user."""
    if error.filename in (INPUT, OUTPUT, ERRORS):
        verb = "read" if error.filename == INPUT else "write to"
        return FamulusError(f"cannot {verb} {error.filename}: {error.strerror}")
    where = f"{error.filename}: " if error.filename else ""
    return FamulusError(
        f"{where}{error.strerror or error}",
        hint="Is the disk full? Do FAMULUS_HOME and /tmp belong to you?",
    )


def show_error(error: FamulusError) -> None:
    """Print the error, its details and the cure on standard error."""
    console = screen(errors=True)
    console.soft_wrap = True
    console.print(f"[bold red]error:[/] {escape(visible(error.brief))}")
    bar = "|" if console.options.ascii_only else "│"
    for line in error.details.splitlines():
        console.print(f"  [dim]{bar}[/] {escape(visible(line))}")
    if error.hint:
        console.print(f"[bold]hint:[/]  {escape(visible(error.hint))}")


def _interrupt(number: int) -> None:
    """End running programs; the verb sees the interrupt at its next wait and undoes its work."""
    waiting.interrupt(number)
    run.terminate_all()
