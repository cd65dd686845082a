# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a load stand in a loop that throws copies away? Then it polls, by `objdump -d`. Pure."""

import re
from collections.abc import Mapping
from itertools import pairwise

_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$", re.MULTILINE)
_JUMP = re.compile(r"(j\w+)\s+([0-9a-f]+)")
_REFETCHES = ("clflush", "call", "mfence")

_Ways = Mapping[int, set[int]]


def in_polling_loop(disassembly: str, address: int) -> bool:
    """Tell whether what runs at `address` can come back there by way of a flush or a call."""
    code = {int(at, 16): words for at, words in _INSTRUCTION.findall(disassembly)}
    ahead = _successors(code)
    back: dict[int, set[int]] = {at: set() for at in code}
    for at, following in ahead.items():
        for next_ in following:
            back[next_].add(at)
    loop = _reached(ahead, address) & _reached(back, address)
    return any(code[at].startswith(_REFETCHES) for at in loop)


def _successors(code: Mapping[int, str]) -> dict[int, set[int]]:
    following = dict(pairwise(sorted(code)))
    ways: dict[int, set[int]] = {}
    for at, words in code.items():
        jump = _JUMP.match(words)
        ends = words.startswith(("ret", "hlt", "ud2")) or (jump and jump[1] == "jmp")
        wanted = {int(jump[2], 16)} if jump else set()
        if not ends and at in following:
            wanted.add(following[at])
        ways[at] = wanted & code.keys()
    return ways


def _reached(ways: _Ways, start: int) -> set[int]:
    """Return what is reached from `start` in one step or more."""
    found: set[int] = set()
    left = [start]
    while left:
        new = ways.get(left.pop(), set()) - found
        found |= new
        left += new
    return found
