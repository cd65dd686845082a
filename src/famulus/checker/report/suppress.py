# SPDX-License-Identifier: GPL-2.0-or-later
"""Suppressions: rules of a file for defects that are not to be reported.

A rule is a line `function PATTERN` or `region PATTERN`, with or without ` : KIND` behind the
pattern; patterns are those of a shell. `function` matches all frames of both sides. `#` begins a
comment.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from famulus.base.errors import UsageError
from famulus.checker.report.model import KINDS, Defect


@dataclass(frozen=True)
class Suppression:
    """A rule: `subject` is function or region; an empty `kind` covers all kinds."""

    subject: str
    pattern: str
    kind: str = ""

    def covers(self, defect: Defect) -> bool:
        """Tell whether the rule keeps `defect` out of reports."""
        if self.kind not in ("", defect.kind):
            return False
        if self.subject == "region":
            return fnmatchcase(defect.region, self.pattern)
        sides = filter(None, (defect.first, defect.second))
        functions = (frame.function for side in sides for frame in side.frames)
        return any(fnmatchcase(function, self.pattern) for function in functions)


def parse(text: str, name: str = "suppressions") -> list[Suppression]:
    """Return the rules of a file's `text`. Raises UsageError that names a line that is no rule."""
    return [
        _parse_line(line, f"{name}, line {number}")
        for number, full in enumerate(text.splitlines(), 1)
        if (line := full.partition("#")[0].strip())
    ]


def read(path: Path) -> list[Suppression]:
    """Return the rules of the file `path`. Raises UsageError if the file cannot be read."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8: {error.reason} at byte {error.start}", hint="Save it as UTF-8."
        ) from error


def apply(suppressions: Iterable[Suppression], defects: Iterable[Defect]) -> list[Defect]:
    """Return the defects that none of `suppressions` covers."""
    rules = list(suppressions)
    return [defect for defect in defects if not any(rule.covers(defect) for rule in rules)]


def _parse_line(line: str, where: str) -> Suppression:
    rule, _, kind = (part.strip() for part in line.partition(" : "))
    subject, _, pattern = rule.partition(" ")
    if subject not in ("function", "region") or not pattern or (kind and kind not in KINDS):
        raise UsageError(
            f"{where}: '{line}' is no suppression",
            hint="Write `function PATTERN` or `region PATTERN`, and ` : KIND` behind the pattern "
            "for one kind only. The kinds are " + ", ".join(KINDS) + ".",
        )
    return Suppression(subject, pattern.strip(), kind)
