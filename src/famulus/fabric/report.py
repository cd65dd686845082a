# SPDX-License-Identifier: GPL-2.0-or-later
"""What was found on a fabric that is checked all the time."""

from famulus.check.model import NOTES
from famulus.events import Events
from famulus.fabric import checked
from famulus.fabric.check import Report, named
from famulus.fabric.fabric import locked, open_fabric
from famulus.fabric.launch import forget_processes


def report(name: str, events: Events, *, notes: bool) -> Report:
    """Return what was found since `up` or the last report, and begin anew.

    Raises FamulusError if the fabric is not checked, a node is off, or the checker has died.
    """
    fabric = open_fabric(name)
    nodes = fabric.nodes()
    for node in nodes:
        node.require_running()
    with locked(fabric.folder, events), events.step("name what was found"):
        said = checked.end(fabric, nodes)
        try:
            defects = named(fabric, nodes, said, "")
        finally:
            forget_processes(fabric, nodes)
            checked.begin(fabric, nodes)
    seen, gaps = (sum(line.get(what, 0) for line in said) for what in ("events", "gaps"))
    wanted = [defect for defect in defects if notes or defect.kind not in NOTES]
    return Report(f"the nodes of '{name}'", {}, seen, wanted, gaps)
