# SPDX-License-Identifier: GPL-2.0-or-later
"""Leave out the races that are polls which succeed at the first look.

A flag may be a plain word (docs/check.md). The analyser recognizes a flag because a node polls the
word; a reader that finds the flag set at its first look has not polled. The reader's code shows
whether the reader would have polled.
"""

from collections.abc import Sequence

from famulus.checker.code.elf import Elf
from famulus.checker.code.symbols import Symbols
from famulus.checker.report.model import Defect


def without_polls(defects: Sequence[Defect], symbols: Symbols) -> list[Defect]:
    """Return the defects without the races whose load polls, by its code."""
    return [defect for defect in defects if not _is_poll(defect, symbols)]


def _is_poll(defect: Defect, symbols: Symbols) -> bool:
    """Tell whether the load of `defect` polls.

    A load that saw both an old value and a new one must poll alone. For unknown code the analyser
    decides: an instruction that polls other words polls.
    """
    load = defect.second
    if defect.kind != "data race" or load is None or load.what != "load":
        return False
    place = symbols.instruction(load)
    if not place or not load.frames or load.script_line:
        return defect.polls
    return polls(*place, alone=defect.most > 1 and not defect.polls)


def polls(file: Elf, address: int, *, alone: bool) -> bool:
    """Tell whether the load at `address` polls, or the callers poll by the value it returns."""
    function = file.function(address)
    if function is None:
        return False
    if alone or function.polls(address):
        return function.polls(address, alone=alone)
    return function.returns(address) and callers_poll(file, address)


def callers_poll(file: Elf, address: int) -> bool:
    """Tell whether all calls of the function at `address` poll by the value that it returns.

    If none calls the function by its name, one call by a pointer that polls is enough.
    """
    by_name = [function.call_polls(at) for function, at in file.calls(address)]
    if by_name:
        return all(by_name)
    return any(function.call_polls(at) for function, at in file.calls_by_pointer())
