# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus ssh-config`."""

from typing import Annotated

import typer

from famulus.base.errors import FamulusError
from famulus.cli.common import DEFAULT_FABRIC, FabricOption
from famulus.fabric.fabric import open_fabric


def ssh_config(
    fabric: FabricOption = DEFAULT_FABRIC,
    path: Annotated[
        bool, typer.Option("--path", help="Print the path of the file instead.")
    ] = False,
) -> None:
    """Print an ssh configuration for your own ssh, scp, rsync and editors.

    Examples: `ssh -F $(famulus ssh-config --path) fabric1`,
    or once: `famulus ssh-config > ~/.ssh/config.d/fabric`.
    """
    config = open_fabric(fabric).ssh_config
    if not config.exists():
        raise FamulusError(
            "the fabric has never run", hint="`famulus up` writes the configuration."
        )
    typer.echo(config if path else config.read_text(encoding="utf-8"), nl=path)
