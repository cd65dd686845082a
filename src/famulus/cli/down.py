# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus down`."""

from typing import Annotated

import typer

from famulus.cli.common import DEFAULT_FABRIC, FabricOption, VerboseOption, make_events, open_log
from famulus.cli.hooks import HOOKS
from famulus.fabric.down import down as take_down
from famulus.state.folder import FabricFolder


def down(
    fabric: FabricOption = DEFAULT_FABRIC,
    purge: Annotated[
        bool,
        typer.Option(
            "--purge",
            help="Also remove the pool, the nodes' disks and all other files of the fabric.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="End the nodes at once instead of shutting them down.")
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Stop a fabric. Without --purge, its pool and its nodes' disks stay for the next `up`."""
    if FabricFolder(fabric).path.is_dir():
        open_log(fabric)
    take_down(fabric, make_events(verbose), HOOKS, purge=purge, force=force or purge)
