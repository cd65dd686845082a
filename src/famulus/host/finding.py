# SPDX-License-Identifier: GPL-2.0-or-later
"""A finding of the check of the host."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """The result of checking one property of the host.

    `name` is the property, `text` its state in one line, `cure` the remedy unless the level is
    `ok`. An `error` keeps a fabric from running; a `warning` makes the fabric slow, small or
    short-lived. A finding `for_build` matters only when a template is built.
    """

    name: str
    level: Level
    text: str
    cure: str = ""
    for_build: bool = False
