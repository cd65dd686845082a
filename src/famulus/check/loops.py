# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a load stand in a loop that throws copies away? Then it polls, by `objdump -d`. Pure."""

import re

_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$", re.MULTILINE)
_JUMP = re.compile(r"j\w+\s+([0-9a-f]+)")
_REFETCHES = ("clflush", "call", "mfence")


def in_polling_loop(disassembly: str, address: int) -> bool:
    """Tell whether a jump backwards spans `address`, and a flush or a call with it."""
    code = [(int(at, 16), words) for at, words in _INSTRUCTION.findall(disassembly)]
    for at, words in code:
        jump = _JUMP.match(words)
        if not jump or not int(jump[1], 16) <= address <= at:
            continue
        body = (text for where, text in code if int(jump[1], 16) <= where <= at)
        if any(text.startswith(_REFETCHES) for text in body):
            return True
    return False
