# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus cp`."""

from typing import Annotated

import typer

from famulus.base.errors import UsageError
from famulus.base.session import interactive
from famulus.cli.common import DEFAULT_FABRIC, FabricOption
from famulus.fabric.fabric import Fabric, open_fabric
from famulus.transport.ssh import copy


def cp(
    sources: Annotated[
        list[str], typer.Argument(metavar="FROM...", help="Files; fabric1:/path in a node.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="File or folder; fabric1:/path in a node.")
    ],
    fabric: FabricOption = DEFAULT_FABRIC,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Copy folders with all files in them.")
    ] = False,
) -> None:
    """Copy files between the host and nodes, either way, or from node to node.

    Examples: `famulus cp prog.c fabric1:`, `famulus cp -r 2:/var/log logs`.
    """
    opened = open_fabric(fabric)
    paths = [_expand(opened, path) for path in [*sources, target]]
    if not any(inside for inside, _ in paths):
        raise UsageError(
            "neither side is in a node", hint="Write the node before the path: fabric1:/tmp/x"
        )
    raise typer.Exit(
        interactive(copy(opened.ssh_config, [path for _, path in paths], recursive=recursive))
    )


def _expand(fabric: Fabric, path: str) -> tuple[bool, str]:
    """Return whether `path` is in a node, and the path as scp spells it."""
    node, colon, rest = path.partition(":")
    if not colon or "/" in node:
        return False, path
    user, at, name = node.rpartition("@")
    chosen = fabric.select_one(name)
    chosen.require_running()
    return True, f"{user}{at}{chosen.name}:{rest}"
