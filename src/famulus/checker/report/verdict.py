# SPDX-License-Identifier: GPL-2.0-or-later
"""The verdict of a report, which each format and the exit code carry. Pure."""

from enum import IntEnum

from famulus.checker.report.model import Report

Reason = tuple["Outcome", str]


class Outcome(IntEnum):
    """The outcome of a check; its number is the command's exit code."""

    CLEAN = 0
    DEFECT = 1
    COULD_NOT_RUN = 2
    FAILED = 3
    UNKNOWN = 4

    @property
    def word(self) -> str:
        """The outcome in words, for people and for the formats."""
        return _WORDS[self]


_WORDS = {
    Outcome.CLEAN: "no defect",
    Outcome.DEFECT: "defect",
    Outcome.COULD_NOT_RUN: "could not run",
    Outcome.FAILED: "the program failed",
    Outcome.UNKNOWN: "unknown",
}
_ORDER = (Outcome.COULD_NOT_RUN, Outcome.DEFECT, Outcome.UNKNOWN, Outcome.FAILED)


def outcome(report: Report) -> Outcome:
    """Return the outcome: the first of defect, unknown and failed that applies, else clean."""
    found = {kind for kind, _ in reasons(report)}
    if report.wrong:
        found.add(Outcome.DEFECT)
    return next((kind for kind in _ORDER if kind in found), Outcome.CLEAN)


def reasons(report: Report) -> list[Reason]:
    """Return all that keeps the report from being clean, besides the defects."""
    if report.failure:
        code, brief = report.failure
        return [(Outcome(code), brief)]
    ends = [(Outcome.UNKNOWN if end.open else Outcome.FAILED, node, end)
            for node, end in report.ends.items() if end.code != 0]  # fmt: skip
    found = [(kind, f"{report.program} {end.sentence} in node {node}") for kind, node, end in ends]
    return [*found, *((Outcome.UNKNOWN, doubt) for doubt in report.doubts)]
