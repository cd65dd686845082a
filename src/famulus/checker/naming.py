# SPDX-License-Identifier: GPL-2.0-or-later
"""From the analyser's output to defects with the names of functions, source files and regions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from famulus.base.text import visible
from famulus.checker.code.polls import without_polls
from famulus.checker.code.processes import Process, parse_processes
from famulus.checker.code.symbols import Symbols
from famulus.checker.launch import ask_node, kept_processes, on_host
from famulus.checker.report import suppress
from famulus.checker.report.model import Defect, merged, parse_defect
from famulus.fabric.fabric import Fabric
from famulus.node.node import Node
from famulus.pool import directory

Output = list[dict[str, Any]]  # of the analyser: an object a line

# The library checks without the lock whether there is a directory; a checksum finds a torn one.
_OURS = (suppress.Suppression("region", "the directory", "data race"),)


def named(fabric: Fabric, nodes: Sequence[Node], output: Output, program: str) -> list[Defect]:
    """Return each distinct defect of the analyser's `output` once, with names.

    `program` is the host's file that was copied to `nodes`, or an empty string. Events of other
    nodes keep their program counters.
    """
    defects = [parse_defect(line) for line in output if "kind" in line]
    if not defects:
        return []

    reached = {node.number: node for node in nodes}

    def ask(node: int, command: str) -> str:
        return ask_node(fabric, reached[node], command) if node in reached else ""

    symbols = Symbols(output, _processes(fabric, nodes, output), ask)
    regions = directory.read(fabric.pool)
    placed = [
        replace(defect, region=region_at(regions, defect.offset)).with_files(
            lambda file: on_host(file, program)
        )
        for defect in without_polls(symbols.name(defects), symbols)
    ]
    return merged(suppress.apply(_OURS, placed))


def _processes(
    fabric: Fabric, nodes: Sequence[Node], output: Output
) -> dict[tuple[int, int], Process]:
    """Return the processes of the analyser's `output` by node and number."""
    numbers: dict[int, set[int]] = {}
    for line in output:
        if "process" in line:
            numbers.setdefault(line["node"], set()).add(line["group"])
    return {
        (node, number): process
        for node, files in kept_processes(fabric, nodes, numbers).items()
        for number, process in parse_processes(files).items()
    }


def region_at(regions: directory.Directory, offset: int) -> str:
    """Return the visible name of the region at `offset` of the pool, or an empty string."""
    if offset >= regions.start:
        return "the directory"
    for region in regions.regions:
        if region.offset <= offset < region.offset + region.size:
            return visible(region.name)
    return ""


def doubts_of(output: Output) -> list[str]:
    """Return why the analyser's `output` does not tell all."""
    lost, since = total(output, "lost"), total(output, "lost_from")
    if not lost:
        return []
    events = "1 event is lost" if lost == 1 else f"{lost} events are lost, the first one"
    return [f"{events} with number {since}; defects that were found later are uncertain"]


def total(output: Output, key: str) -> int:
    """Return the sum of `key` over the lines of the analyser's output that have it."""
    return sum(line.get(key, 0) for line in output)
