# SPDX-License-Identifier: GPL-2.0-or-later
"""The report of a fabric that is checked all the time."""

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.checker import checked_fabric
from famulus.checker.naming import doubts_of, named, total
from famulus.checker.report.model import NOTES, Report
from famulus.fabric.fabric import Fabric, locked, open_fabric


def report_since_up(name: str, events: Events, *, notes: bool) -> Report:
    """Return the report since `up` or since the last report, and begin a new one.

    Raises FamulusError if the fabric is not checked, a node is off, or the checker has died.
    """
    fabric = open_fabric(name)
    nodes = fabric.nodes()
    for node in nodes:
        node.require_running()
    with locked(fabric.folder, events), events.step("name the defects"):
        output = checked_fabric.end(fabric, nodes, events)
        try:
            defects = named(fabric, nodes, output, "")
        finally:
            _begin_anew(fabric, events)
    wanted = [defect for defect in defects if notes or defect.kind not in NOTES]
    program = f"the nodes of '{name}'"
    seen, doubts = total(output, "events"), tuple(doubts_of(output))
    return Report(program, events=seen, defects=wanted, doubts=doubts)


def _begin_anew(fabric: Fabric, events: Events) -> None:
    """Watch the nodes again; the report that is under way does not fail if that fails."""
    try:
        checked_fabric.begin(fabric, fabric.nodes())
    except FamulusError as error:
        events.note(f"the nodes are watched no more: {error.brief}; `famulus up` begins anew")
