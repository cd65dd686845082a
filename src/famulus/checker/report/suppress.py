# SPDX-License-Identifier: GPL-2.0-or-later
"""Suppressions: what a file says shall not be reported.

A line is `function PATTERN` or `region PATTERN`, and may go on with ` : KIND`; patterns are those
of a shell. `function` is about all frames of both sides. `#` begins a comment.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from famulus.base.errors import UsageError
from famulus.checker.report.model import KINDS, Defect


@dataclass(frozen=True)
class Suppression:
    """A line of the file; an empty `kind` means all."""

    what: str
    pattern: str
    kind: str = ""

    def covers(self, defect: Defect) -> bool:
        """Tell whether `defect` shall not be reported."""
        if self.kind not in ("", defect.kind):
            return False
        if self.what == "region":
            return fnmatchcase(defect.region, self.pattern)
        sides = filter(None, (defect.first, defect.second))
        functions = (frame.function for side in sides for frame in side.frames)
        return any(fnmatchcase(function, self.pattern) for function in functions)


def parse(text: str, name: str = "suppressions") -> list[Suppression]:
    """Return the suppressions of a file. Raises UsageError that names the line that is none."""
    return [
        _parse_line(line, f"{name}, line {number}")
        for number, full in enumerate(text.splitlines(), 1)
        if (line := full.partition("#")[0].strip())
    ]


def read(path: Path) -> list[Suppression]:
    """Return the suppressions of the file `path`. Raises UsageError if it cannot be read."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def apply(suppressions: Iterable[Suppression], defects: Iterable[Defect]) -> list[Defect]:
    """Return the defects that none of `suppressions` covers."""
    rules = list(suppressions)
    return [defect for defect in defects if not any(rule.covers(defect) for rule in rules)]


def _parse_line(line: str, where: str) -> Suppression:
    rule, _, kind = (part.strip() for part in line.partition(" : "))
    what, _, pattern = rule.partition(" ")
    if what not in ("function", "region") or not pattern or (kind and kind not in KINDS):
        raise UsageError(
            f"{where}: '{line}' is no suppression",
            hint="Write `function PATTERN` or `region PATTERN`, and if it is about one kind only "
            "` : KIND`. The kinds are " + ", ".join(KINDS) + ".",
        )
    return Suppression(what, pattern.strip(), kind)
