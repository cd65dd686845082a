# SPDX-License-Identifier: GPL-2.0-or-later
"""Which templates and snapshots are needed, and by which fabrics."""

from collections.abc import Callable

from famulus.fabric.fabric import Fabric
from famulus.identity import MAX_NODES
from famulus.node.node import Node
from famulus.state import Record, all_fabrics


def templates_in_use() -> dict[str, list[str]]:
    """Return, for each template digest that is needed, the fabrics that need it.

    Needed is what lies below a node's disk, also that of a node no longer wanted, and what the next
    new node would be made from.
    """
    return _users(lambda node: node.template(), lambda record: {record.template})


def snapshots_in_use() -> dict[str, list[str]]:
    """Return, for each snapshot digest below some node's disk, the fabrics that need it."""
    return _users(lambda node: node.snapshot(), lambda _: set())


def _users(
    below: Callable[[Node], str | None], besides: Callable[[Record], set[str]]
) -> dict[str, list[str]]:
    used: dict[str, list[str]] = {}
    for folder in all_fabrics():
        fabric = Fabric(folder, folder.read())
        digests = {below(fabric.node(number)) for number in range(1, MAX_NODES + 1)}
        for digest in {*besides(fabric.record), *digests} - {None}:
            used.setdefault(str(digest), []).append(folder.name)
    return used
