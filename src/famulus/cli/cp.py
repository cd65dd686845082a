# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus cp`."""

from typing import Annotated

import typer

from famulus.base.errors import UsageError
from famulus.cli.common import DEFAULT_FABRIC, FabricOption
from famulus.fabric.fabric import Fabric, open_fabric
from famulus.fabric.session import in_session
from famulus.node.node import Node
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
    places = [_expand(opened, path) for path in [*sources, target]]
    nodes = [node for node, _ in places if node]
    if not nodes:
        raise UsageError(
            "neither side is in a node", hint="Write the node before the path: fabric1:/tmp/x"
        )
    argv = copy(opened.ssh_config, [path for _, path in places], recursive=recursive)
    raise typer.Exit(in_session(argv, nodes))


def _expand(fabric: Fabric, path: str) -> tuple[Node | None, str]:
    """Return the node that `path` is in, if any, and the path as scp spells it."""
    node, colon, rest = path.partition(":")
    if not colon or "/" in node:
        return None, path
    user, at, name = node.rpartition("@")
    chosen = fabric.select_one(name)
    chosen.require_running()
    return chosen, f"{user}{at}{chosen.name}:{rest}"
