# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts that several verbs share: options, the log, the display of events."""

import os
from pathlib import Path
from typing import Annotated

import typer

from famulus.base.events import Events
from famulus.base.logfile import write_log
from famulus.base.paths import make_private
from famulus.cli.progress import make_sink
from famulus.fabric.templates import homes_missing
from famulus.settings.fabric_name import DEFAULT_NAME
from famulus.state.folder import FabricFolder

FabricOption = Annotated[
    str,
    typer.Option(
        "--fabric", "-f", metavar="NAME", envvar="FAMULUS_FABRIC", help="Name of the fabric."
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Show all output of the programs that run. Also VERBOSE=yes."
    ),
]
NodeArgument = Annotated[
    str, typer.Argument(metavar="NODE", help="1, fabric1, all, or a list such as 1-3,5.")
]
OneNodeArgument = Annotated[str, typer.Argument(metavar="NODE", help="1, or fabric1.")]
UserOption = Annotated[
    str | None,
    typer.Option("--user", "-l", metavar="USER", help="User in the node (default fabric)."),
]
NoInputOption = Annotated[
    bool,
    typer.Option(
        "--no-input", "-n", help="Give the command an empty input; it leaves standard input alone."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

DEFAULT_FABRIC = DEFAULT_NAME


def make_events(verbose: bool = False) -> Events:
    """Return events that standard error shows: live lines on a terminal, else plain lines."""
    by_variable = os.environ.get("VERBOSE", "").lower() not in ("", "0", "no", "false")
    return Events(make_sink(verbose=verbose or by_variable))


def settings_here() -> Path | None:
    """Return ./fabric.toml if there is something of that name, even if it cannot be read."""
    file = Path("fabric.toml")
    return file if os.path.lexists(file) else None


def open_log(name: str) -> None:
    """Write all further log records to the log of the fabric `name` as well."""
    folder = FabricFolder(name)
    make_private(folder.path)
    write_log(folder.log)


def note_missing_homes(events: Events) -> None:
    """Tell which other homes, which a prune cannot look into, keep everything in place."""
    for home, note in homes_missing().items():
        events.note(
            f"everything that disks of {home} may lie on is kept, because that folder is not there "
            f"now; if {home} is gone for good, remove {note}"
        )
