# SPDX-License-Identifier: GPL-2.0-or-later
"""What several verbs share: options, the log, the way events are shown."""

import os
from pathlib import Path
from typing import Annotated

import typer

from famulus.base.events import Events
from famulus.base.logfile import write_log
from famulus.base.paths import make_private
from famulus.cli.progress import make_sink
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
    typer.Option("--verbose", "-v", help="Show everything that programs print. Also VERBOSE=yes."),
]
NodeArgument = Annotated[
    str, typer.Argument(metavar="NODE", help="1, fabric1, all, or a list such as 1-3,5.")
]
UserOption = Annotated[
    str | None,
    typer.Option("--user", "-l", metavar="USER", help="Who to be there, by default fabric."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

DEFAULT_FABRIC = DEFAULT_NAME


def make_events(verbose: bool = False) -> Events:
    """Return events that are shown on standard error in the way that suits it."""
    said = os.environ.get("VERBOSE", "").lower() not in ("", "0", "no", "false")
    return Events(make_sink(verbose=verbose or said))


def settings_here() -> Path | None:
    """Return ./fabric.toml if there is one."""
    file = Path("fabric.toml")
    return file if file.is_file() else None


def open_log(name: str) -> None:
    """Write everything from now on to the log of the fabric `name` as well."""
    folder = FabricFolder(name)
    make_private(folder.path)
    write_log(folder.log)
