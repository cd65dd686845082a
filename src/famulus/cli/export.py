# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus export`."""

from pathlib import Path
from typing import Annotated

import typer

from famulus.cli.common import (
    DEFAULT_FABRIC,
    FabricOption,
    VerboseOption,
    make_events,
    open_log,
    settings_here,
)
from famulus.export.export import Order
from famulus.export.export import export as export_image
from famulus.export.formats import FORMATS
from famulus.state.folder import FabricFolder


def export(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="NODE|template", help="A stopped node, as 1 or fabric1, or the word template."
        ),
    ],
    image_format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")
    ] = "qcow2",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File or folder to write; by default fabric1.qcow2 or similar, here.",
        ),
    ] = None,
    fabric: FabricOption = DEFAULT_FABRIC,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a node, or the template, to a file that is used elsewhere, without Famulus.

    A node must be stopped (`famulus node stop 1`). Its name, files and keys are in the file.

    A qcow2 or raw disk boots in any hypervisor with a BIOS; give the machine a virtio network card,
    which gets its address by DHCP. A tar has every file, for a container or a chroot. libvirt-xml
    is a document for `virsh define`, and beside it the qcow2 disk that the document names.

    Examples: `famulus export 1`, `famulus export template --format tar -o /srv/debian.tar`.
    """
    if FabricFolder(fabric).exists():
        open_log(fabric)
    order = Order(fabric, subject, image_format, output, force)
    typer.echo(export_image(order, settings_here(), make_events(verbose)))
