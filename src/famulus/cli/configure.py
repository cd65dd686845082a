# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus configure`."""

from pathlib import Path
from typing import Annotated

import typer

from famulus.base.paths import expanded
from famulus.cli.common import (
    DEFAULT_FABRIC,
    FabricOption,
    VerboseOption,
    make_events,
    settings_here,
)
from famulus.cli.options import help_of, takes_settings
from famulus.cli.question import asker
from famulus.export.artifacts import Artifacts
from famulus.export.configure import configure as make_artifacts
from famulus.export.configure_order import Order
from famulus.settings.fabric_name import check_name
from famulus.settings.sources import load_spec

_SETTINGS = ("memory", "cpus", "pool", "suite", "kernel", "mirror", "proxy", "subnet")

# The script starts the nodes without Famulus: they have neither the plugin nor caches.
_WITHOUT_FAMULUS = {"network": "libvirt", "coherence": "full", "watch": False, "check": False}


@takes_settings(*_SETTINGS)
def configure(
    number: Annotated[str, typer.Argument(metavar="N", help=help_of("nodes"))],
    artdir: Annotated[
        Path,
        typer.Option("--artdir", metavar="DIR", envvar="ARTDIR", help="Folder of the artifacts."),
    ] = Path("/tmp"),  # noqa: S108 - the default of the script of 2016
    fabric: FabricOption = DEFAULT_FABRIC,
    reuse: Annotated[
        bool | None,
        typer.Option(
            "--reuse/--rebuild",
            help="Use the template in DIR again, or build the template anew; else famulus asks.",
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the disks of nodes above N from an earlier run.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing and take yes for every answer.")
    ] = False,
    verbose: VerboseOption = False,
    **settings: object,
) -> None:
    """Make disks of N nodes, a network, and a script that starts the nodes, as in 2016.

    The artifacts in DIR are fabricN.qcow2, fabric_emulation.bash, fabric_emulation.log,
    fabric_template.img and fabric_template.tar. The nodes run without Famulus.

    Examples: `famulus configure 4`, `ARTDIR=/srv/fam famulus configure 2 --yes`.
    """
    flags = {"nodes": number, **settings, **_WITHOUT_FAMULUS}
    spec = load_spec(flags, file=settings_here())
    artifacts = Artifacts(expanded(artdir))
    order = Order(check_name(fabric), spec, artifacts, reuse, prune)
    make_artifacts(order, asker(yes=yes), make_events(verbose))
    typer.echo(f"{artifacts.script} starts the nodes")
