# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check of the host found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    `name` says what, `text` what was found in one line, `cure` what to do unless it is `ok`. An
    `error` keeps a fabric from running; a `warning` makes it slow, small or short-lived.
    """

    name: str
    level: Level
    text: str
    cure: str = ""
