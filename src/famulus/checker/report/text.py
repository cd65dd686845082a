# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of a report: its lines and their styles. Pure."""

from collections.abc import Iterator

from famulus.checker.report.model import Defect, Event, Report
from famulus.checker.report.verdict import Outcome, outcome, reasons

Line = tuple[str, str]  # rich's style, text

_SHOWN = 8  # bytes: the value of a larger access is not shown


def lines_of(defect: Defect) -> list[Line]:
    """Return the lines of the report of one defect."""
    times = "" if defect.count == 1 else f" ({defect.count} times)"
    uncertain = "uncertain: " if defect.uncertain else ""
    lines = [("bold red", f"{uncertain}{defect.kind}{times}: {_where(defect)}")]
    if defect.note:
        lines.append(("", f"  {defect.note}"))
    lines += _sides(defect)
    flush = defect.events.get("flush")
    last = f"node {flush.node}, {flush.what} at {flush.site}" if flush else "never"
    lines.append(("", f"  last flush of the line: {last}"))
    lines.append(("dim", "  in this order:"))
    lines += [("dim", f"    {_brief(event)}") for event in defect.in_order()]
    return lines


def ending_of(report: Report) -> list[Line]:
    """Return the lines after the defects: how the program ended, and the verdict."""
    ends = ", ".join(f"node {node}: {end}" for node, end in report.ends.items())
    ended = f"exit codes of {report.program}: {ends}; " if ends else ""
    lines = [("", f"{ended}{report.events} events watched")]
    lines += [("yellow", text) for _, text in reasons(report)]
    return [*lines, _verdict(report)]


def _verdict(report: Report) -> Line:
    count = len(report.wrong)
    return {
        Outcome.CLEAN: ("bold green", "no defect found"),
        Outcome.DEFECT: ("bold red", "1 defect" if count == 1 else f"{count} defects"),
        Outcome.FAILED: ("bold red", "the program failed; no defect found"),
        Outcome.UNKNOWN: ("bold yellow", "unknown: no defect found, but not all was seen"),
    }[outcome(report)]


def _where(defect: Defect) -> str:
    parts = ", ".join(f"{start:#x}-{start + size - 1:#x}" for start, size in defect.ranges)
    bytes_ = f"bytes {parts} of the pool" if parts else f"line {defect.line:#x} of the pool"
    return bytes_ + (f", region '{defect.region}'" if defect.region else "")


def _sides(defect: Defect) -> Iterator[Line]:
    yield from _side(defect.first, "green")
    flag, load = defect.events.get("flag"), defect.events.get("flag_load")
    if flag and load:
        yield "", f"  published by a {flag.what} of node {flag.node} at {flag.site},"
        yield "", f"  seen by a {load.what} of node {load.node} at {load.site}"
    if defect.second:
        yield from _side(defect.second, "yellow")


def _side(event: Event, colour: str) -> Iterator[Line]:
    value = f" of {event.value:#x}" if event.size and event.size <= _SHOWN else ""
    access = f"{event.what}, {event.size} bytes{value}" if event.size else event.what
    yield colour, f"  node {event.node}: {access} at pool offset {event.offset:#x}"
    process = f"process {event.process} ({event.program}), " if event.process else ""
    yield "", f"    {process}thread {event.thread:#x}, pc {event.pc:#x}"
    for frame in event.frames:
        yield "bold", f"    in {frame}"


def _brief(event: Event) -> str:
    value = f" {event.value:#x}" if event.size and event.size <= _SHOWN else ""
    return f"node {event.node} {event.what}{value} ({event.site})"
