# SPDX-License-Identifier: GPL-2.0-or-later
"""Which races are polls that succeeded at once.

A flag may be a plain word (docs/check.md). The analyser knows one by its being polled; a reader
that finds it set at its first look has not polled. Whether it would have, its code tells.
"""

import shlex
from collections.abc import Sequence

from famulus.check.loops import in_polling_loop
from famulus.check.model import Defect
from famulus.check.symbols import Ask, Symbols


def without_polls(defects: Sequence[Defect], symbols: Symbols, ask: Ask) -> list[Defect]:
    """Return the defects without races whose load was seen once and polls by its code."""
    return [defect for defect in defects if not _is_poll(defect, symbols, ask)]


def _is_poll(defect: Defect, symbols: Symbols, ask: Ask) -> bool:
    load = defect.second
    if defect.kind != "data race" or defect.count > 1 or load is None or load.what != "load":
        return False
    place = symbols.address(load)
    if not place or not load.frames:
        return False
    words = ["objdump", "-d", "--no-show-raw-insn", f"--disassemble={load.frames[-1].function}"]
    return in_polling_loop(ask(load.node, shlex.join([*words, place[0]]) + " || true"), place[1])
