# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus configure`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from famulus.cli.common import (
    DEFAULT_FABRIC,
    FabricOption,
    VerboseOption,
    make_events,
    settings_here,
)
from famulus.cli.question import asker
from famulus.export.configure import Order
from famulus.export.configure import configure as make_artifacts
from famulus.export.image.artifacts import Artifacts
from famulus.settings.spec import check_name, load_spec


def _option(name: str, help: str, metavar: str, **more: Any) -> Any:  # noqa: A002, ANN401 - typer's own words
    return typer.Option(name, help=help, metavar=metavar, show_default=False, **more)


def configure(
    number: Annotated[str, typer.Argument(metavar="N", help="Number of nodes, 1 to 64.")],
    artdir: Annotated[
        Path, _option("--artdir", "Folder of the artifacts (/tmp).", "DIR", envvar="ARTDIR")
    ] = Path("/tmp"),  # noqa: S108 - the ancestor's default
    fabric: FabricOption = DEFAULT_FABRIC,
    memory: Annotated[str | None, _option("--memory", "RAM of a node (512M).", "SIZE")] = None,
    cpus: Annotated[int | None, _option("--cpus", "CPUs of a node (1).", "K")] = None,
    pool: Annotated[str | None, _option("--pool", "Size of the pool (1G).", "SIZE")] = None,
    suite: Annotated[str | None, _option("--suite", "Debian suite (trixie).", "SUITE")] = None,
    kernel: Annotated[str | None, _option("--kernel", "cloud or generic (cloud).", "KIND")] = None,
    mirror: Annotated[str | None, _option("--mirror", "Debian mirror. Also MIRROR.", "URL")] = None,
    proxy: Annotated[
        str | None, _option("--proxy", "HTTP proxy for packages. Also PROXY.", "URL")
    ] = None,
    subnet: Annotated[
        str | None, _option("--subnet", "Private /24 (192.168.42.0/24).", "NET")
    ] = None,
    reuse: Annotated[
        bool | None,
        typer.Option(
            "--reuse/--rebuild", help="Use the template there again, or build it anew; else asked."
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove disks of nodes above N that are left over.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; every answer is yes.")
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Make disks of N nodes, a network and a script that starts them, as the ancestor did.

    The artifacts in DIR are fabricN.qcow2, fabric_emulation.bash, fabric_emulation.log,
    fabric_template.img and fabric_template.tar. They need nothing of Famulus to run.

    Examples: `famulus configure 4`, `ARTDIR=/srv/fam famulus configure 2 --yes`.
    """
    flags = {
        "nodes": number,
        "memory": memory,
        "cpus": cpus,
        "pool": pool,
        "suite": suite,
        "kernel": kernel,
        "mirror": mirror,
        "proxy": proxy,
        "subnet": subnet,
        "network": "libvirt",
    }
    spec = load_spec(flags, file=settings_here())
    artifacts = Artifacts(artdir.expanduser().absolute())
    order = Order(check_name(fabric), spec, artifacts, reuse, prune)
    make_artifacts(order, asker(yes=yes), make_events(verbose))
    typer.echo(f"{artifacts.script} starts the nodes")
