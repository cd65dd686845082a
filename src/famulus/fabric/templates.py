# SPDX-License-Identifier: GPL-2.0-or-later
"""Which templates are needed, and by which fabrics."""

from famulus.fabric.fabric import Fabric
from famulus.identity import MAX_NODES
from famulus.state import all_fabrics


def templates_in_use() -> dict[str, list[str]]:
    """Return, for each template digest that is needed, the fabrics that need it.

    Needed is what lies below a node's disk, also that of a node no longer wanted, and what the next
    new node would be made from.
    """
    used: dict[str, list[str]] = {}
    for folder in all_fabrics():
        fabric = Fabric(folder, folder.read())
        below = {fabric.node(number).template() for number in range(1, MAX_NODES + 1)}
        for digest in {fabric.record.template, *below} - {None}:
            used.setdefault(str(digest), []).append(folder.name)
    return used
