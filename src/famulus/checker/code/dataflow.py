# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the instructions that depend on the value that a load returns: forward data flow. Pure."""

from collections.abc import Mapping

from famulus.checker.code.instructions import Instruction, Places

Code = Mapping[int, Instruction]  # by address
Ways = Mapping[int, frozenset[int]]  # the addresses that may follow each one


def depends_on(code: Code, ways: Ways, load: int) -> set[int]:
    """Return the instructions that use the value that the one at `load` loads, on any way on."""
    before = _dependent_places(code, ways, load)
    return {at for at, places in before.items() if code[at].reads & places}


def _dependent_places(code: Code, ways: Ways, load: int) -> dict[int, Places]:
    """Return the places that depend on the load before each instruction that follows the load."""
    before: dict[int, Places] = {}
    left = [(load, Places())]
    while left:
        at, places = left.pop()
        known = before.get(at)
        if known is not None and places <= known:
            continue
        before[at] = places | (known or Places())
        after = _after(code[at], before[at], is_load=at == load)
        left += [(following, after) for following in ways[at]]
    return before


def _after(instruction: Instruction, places: Places, *, is_load: bool) -> Places:
    """Return the places that depend on the load after `instruction`."""
    left = places - instruction.kills
    return left | instruction.makes if is_load or instruction.reads & places else left
