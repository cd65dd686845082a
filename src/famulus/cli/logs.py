# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus log`."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from famulus.base.errors import FamulusError, Interrupted
from famulus.base.waiting import pause
from famulus.cli.common import DEFAULT_FABRIC, FabricOption
from famulus.fabric.fabric import open_fabric
from famulus.state.folder import FabricFolder


def log(
    node: Annotated[
        str | None,
        typer.Argument(
            metavar="[NODE]",
            help="Node whose serial log is shown; without NODE, the log of the fabric.",
        ),
    ] = None,
    fabric: FabricOption = DEFAULT_FABRIC,
    follow: Annotated[
        bool, typer.Option("--follow", help="Print new lines as they come, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the output of a node's serial console, or the log of all commands on the fabric.

    Examples: `famulus log 1`, `famulus log 2 --follow`, `famulus log`.
    """
    path = _path(fabric, node)
    try:
        _show(path, follow=follow)
    except FileNotFoundError as error:
        raise FamulusError(f"there is no log {path} yet") from error
    except Interrupted:
        raise typer.Exit from None


def _path(fabric: str, node: str | None) -> Path:
    if node is None:
        return FabricFolder(fabric).log
    return open_fabric(fabric).select_one(node).serial_log


def _show(path: Path, *, follow: bool) -> None:
    with path.open("rb") as file:
        while True:
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            if not follow:
                return
            pause(0.2)
