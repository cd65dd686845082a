# SPDX-License-Identifier: GPL-2.0-or-later
"""Which instructions depend on what another has loaded: forward data flow over AT&T syntax. Pure.

Places are registers by their 64-bit names, the flags, and memory operands by their words. What an
instruction that is not known here writes depends on all that it names.
"""

import functools
import re
from collections.abc import Iterable, Mapping

_PREFIXES = frozenset({"lock", "rep", "repz", "repnz", "notrack", "bnd", "data16", "cs", "ds"})
_REGISTER = re.compile(r"%(\w+)")
_LETTER = re.compile(r"[re]?([abcd])[xlh]$")
_NAMED = re.compile(r"[re]?(si|di|bp|sp)l?$")
_NUMBERED = re.compile(r"(r\d+)[dwb]?$")
_FLAGS = "flags"
_ARGUMENTS = frozenset({"rdi", "rsi", "rdx", "rcx", "r8", "r9"})  # System V ABI, x86-64
_OF_CALLS = _ARGUMENTS | {"rax", "r10", "r11", _FLAGS}
_COMPARES = ("cmp", "test", "bt", "ucomis", "comis", "vucomis", "vcomis", "ptest", "vptest")
_MOVES = ("mov", "lea", "cvt", "vmov", "pop")

_Places = frozenset[str]


def depends_on(code: Mapping[int, str], ways: Mapping[int, frozenset[int]], load: int) -> set[int]:
    """Return the instructions that use what the one at `load` has loaded, on any way from there.

    `ways` leads from each instruction to those that may follow; a jump uses the flags.
    """
    before: dict[int, _Places] = {}
    left = [(load, frozenset[str]())]
    while left:
        at, places = left.pop()
        known = before.get(at)
        if known is not None and places <= known:
            continue
        before[at] = places | (known or frozenset())
        used = at == load or _uses(code[at], before[at])
        after = _after(code[at], before[at], used)
        left += [(next_, after) for next_ in ways[at]]
    return {at for at, places in before.items() if _uses(code[at], places)}


def memory_operand(words: str) -> str | None:
    """Return the first operand that is memory."""
    return next((operand for operand in _parse(words)[1] if "(" in operand), None)


@functools.cache
def _parse(words: str) -> tuple[str, list[str]]:
    """Return the mnemonic, and the operands, the one that is written last."""
    parts = words.partition("#")[0].partition("<")[0].split()
    while len(parts) > 1 and parts[0] in _PREFIXES:
        del parts[0]
    return parts[0], re.findall(r"[^,()]*\([^)]*\)|[^,()]+", "".join(parts[1:]))


def _register(name: str) -> str:
    for pattern, start, end in ((_LETTER, "r", "x"), (_NAMED, "r", ""), (_NUMBERED, "", "")):
        if found := pattern.match(name):
            return start + found[1] + end
    return name


def _read(operand: str) -> _Places:
    """Return the places that an operand's value is of: for memory, its pointers too."""
    registers = {_register(name) for name in _REGISTER.findall(operand)}
    return frozenset(registers | {operand} if "(" in operand else registers)


def _written(operand: str) -> str:
    return operand if "(" in operand else _register(operand.lstrip("%"))


def _uses(words: str, places: _Places) -> bool:
    name, operands = _parse(words)
    if name.startswith("j") and "*" not in words:
        return _FLAGS in places
    return bool(_reads(name, operands) & places)


def _reads(name: str, operands: list[str]) -> _Places:
    """Return what decides the value that an instruction makes."""
    if name.startswith("call"):
        return _ARGUMENTS
    if name.startswith("xor") and len(set(operands)) == 1:
        return frozenset()
    replaced = name.startswith(_MOVES) and not name.startswith("cmov")
    of = _union(operands[:-1] if replaced and len(operands) > 1 else operands)
    return of | {_FLAGS} if name.startswith(("set", "cmov", "sbb", "adc")) else of


def _union(operands: Iterable[str]) -> _Places:
    return frozenset().union(*map(_read, operands))


def _after(words: str, places: _Places, used: bool) -> _Places:
    """Return the places that depend on the load after an instruction, which has `used` some."""
    name, operands = _parse(words)
    if name.startswith("call"):
        return (places - _OF_CALLS) | ({"rax"} if used else set())
    if name.startswith(("j", "push", "nop", "clflush", "clwb")) or not operands:
        return places
    written = set() if name.startswith(_COMPARES) else {_written(operands[-1])}
    if not name.startswith((*_MOVES, "set", "cmov")):
        written.add(_FLAGS)
    return places | written if used else places - written
