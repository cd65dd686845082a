# SPDX-License-Identifier: GPL-2.0-or-later
"""Which races are polls that succeeded at once.

A flag may be a plain word (docs/check.md). The analyser knows one by its being polled; a reader
that finds it set at its first look has not polled. Whether it would have, its code tells.
"""

import re
import shlex
from collections.abc import Sequence

from famulus.checker.code.loops import in_polling_loop, polling_calls, returning
from famulus.checker.code.symbols import Ask, Symbols
from famulus.checker.report.model import Defect

_AROUND = 1 << 16  # bytes of code around a load, of which its function is picked
_TIMEOUT = 60  # seconds for what a large library takes a node under TCG


def without_polls(defects: Sequence[Defect], symbols: Symbols, ask: Ask) -> list[Defect]:
    """Return the defects without races whose load polls, by its code."""
    return [defect for defect in defects if not _is_poll(defect, symbols, ask)]


def _is_poll(defect: Defect, symbols: Symbols, ask: Ask) -> bool:
    """Tell whether its load polls. One that saw an old value and a new one has to do so alone.

    Of unknown code the analyser's word is taken: an instruction that polls other words polls.
    """
    load = defect.second
    if defect.kind != "data race" or load is None or load.what != "load":
        return False
    place = symbols.address(load)
    if not place or not load.frames or load.script_line:
        return defect.polls
    alone = defect.most > 1 and not defect.polls
    return _polls(load.node, *place, ask, alone=alone)


def _polls(node: int, path: str, address: int, ask: Ask, *, alone: bool) -> bool:
    around = f"--start-address={max(address - _AROUND, 0)} --stop-address={address + _AROUND}"
    own = _functions(node, path, around, rf"\n *{address:x}:", ask)
    if alone:
        return in_polling_loop(own, address, alone=True)
    if in_polling_loop(own, address):
        return True
    name = returning(own, address)  # the loop may be in its callers
    if not name:
        return False
    calls = _functions(node, path, "", rf"call +[0-9a-f]+ <{re.escape(name)}(@plt)?>", ask)
    if told := list(polling_calls(calls, name)):
        return all(told)
    return any(polling_calls(_functions(node, path, "", "call +[*]", ask), ""))


def _functions(node: int, path: str, options: str, pattern: str, ask: Ask) -> str:
    """Return the functions of a program whose disassembly matches."""
    words = (
        f"timeout {_TIMEOUT} objdump -d --no-show-raw-insn {options} "
        f"{shlex.quote(path)} 2>/dev/null"
    )
    awk = f"awk -v RS= -v ORS='\\n\\n' {shlex.quote(f'/{pattern}/')}"
    return ask(node, f"{words} | {awk} || true")
