# SPDX-License-Identifier: GPL-2.0-or-later
"""What was found on a fabric that is checked all the time."""

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.checker import service
from famulus.checker.report.model import NOTES
from famulus.checker.run import Report, named
from famulus.fabric.fabric import Fabric, locked, open_fabric


def report(name: str, events: Events, *, notes: bool) -> Report:
    """Return what was found since `up` or the last report, and begin anew.

    Raises FamulusError if the fabric is not checked, a node is off, or the checker has died.
    """
    fabric = open_fabric(name)
    nodes = fabric.nodes()
    for node in nodes:
        node.require_running()
    with locked(fabric.folder, events), events.step("name what was found"):
        said = service.end(fabric, nodes)
        try:
            defects = named(fabric, nodes, said, "")
        finally:
            _begin_anew(fabric, events)
    seen, gaps = (sum(line.get(what, 0) for line in said) for what in ("events", "gaps"))
    wanted = [defect for defect in defects if notes or defect.kind not in NOTES]
    return Report(f"the nodes of '{name}'", {}, seen, wanted, gaps)


def _begin_anew(fabric: Fabric, events: Events) -> None:
    """Watch the nodes again; if that fails, what was found is still to be told."""
    try:
        service.begin(fabric, fabric.nodes())
    except FamulusError as error:
        events.note(f"the nodes are watched no more: {error.brief}; `famulus up` begins anew")
