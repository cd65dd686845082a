# SPDX-License-Identifier: GPL-2.0-or-later
"""Decode x86-64 instructions: the places that each one reads and writes, and where it goes. Pure.

A place is a 64-bit register by its name, the flags (`rflags`), or a memory operand by its address
expression. Capstone 5.0 decodes; `_CORRECTED` has the instructions for which it names too little.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from capstone import (
    CS_AC_READ,
    CS_AC_WRITE,
    CS_ARCH_X86,
    CS_GRP_CALL,
    CS_GRP_JUMP,
    CS_GRP_RET,
    CS_MODE_64,
    Cs,
    CsInsn,
)
from capstone.x86 import X86_OP_IMM, X86_OP_MEM, X86_OP_REG, X86Op

Places = frozenset[str]

FLAGS = "rflags"
STACK = "rsp"
FRAME = "rbp"
PROGRAM_COUNTER = "rip"
_ARGUMENTS = frozenset({"rdi", "rsi", "rdx", "rcx", "r8", "r9"})  # System V ABI, x86-64
_RESULT = frozenset({"rax"})
_OF_CALLS = _ARGUMENTS | _RESULT | {"r10", "r11", FLAGS}
_NOTHING = Places()

_LETTER = re.compile(r"[re]?([abcd])[xlh]$")
_NAMED = re.compile(r"[re]?(si|di|bp|sp|ip)l?$")
_NUMBERED = re.compile(r"(r\d+)[dwb]?$")
_VECTOR = re.compile(r"[xyz](mm\d+)$")
_WHOLE = ((_LETTER, "r", "x"), (_NAMED, "r", ""), (_NUMBERED, "", ""), (_VECTOR, "x", ""))

_BOTH = CS_AC_READ | CS_AC_WRITE
# How an instruction uses its first operand, where Capstone 5.0.7 names less: a cmov may leave the
# old value, a compare-and-swap stores, a non-temporal store does not load.
_CORRECTED = (("cmov", _BOTH), ("cmpxchg", _BOTH), ("movnt", CS_AC_WRITE))
_CLEARING = ("xor", "pxor", "sub", "vpxor", "xorp", "vxorp")  # with one register twice: 0
_NO_ACCESS = ("lea", "clflush", "clwb", "nop", "prefetch")  # of the memory that they name
_ENDS = ("hlt", "ud2", "jmp", "ljmp")  # and returns: the next instruction does not follow


@dataclass(frozen=True)
class Instruction:
    """One instruction at `address`.

    `reads` decide the value that it makes. `kills` lose their old value; `makes` get the new one.
    `memory` is its first memory operand in AT&T order, "" without one, and `pointers` the registers
    in that operand. `target` is the address of a direct jump or call, or of the slot that holds
    the address where that is relative to the program counter. `follows`: the next instruction may
    be the next one in memory.
    """

    address: int
    name: str
    reads: Places = _NOTHING
    kills: Places = _NOTHING
    makes: Places = _NOTHING
    memory: str = ""
    pointers: Places = _NOTHING
    target: int | None = None
    direct: bool = False
    jumps: bool = False
    calls: bool = False
    returns: bool = False
    follows: bool = True

    @property
    def accesses(self) -> bool:
        """Tell whether the instruction loads from or stores to its memory operand."""
        return bool(self.memory) and not (
            self.calls or self.jumps or self.name.startswith(_NO_ACCESS)
        )


def decode(code: bytes, address: int) -> Iterator[Instruction]:
    """Yield the instructions of `code`, which lies at `address`; other bytes are skipped."""
    return map(_instruction, _decoder().disasm(code, address))


@cache
def _decoder() -> Cs:
    decoder = Cs(CS_ARCH_X86, CS_MODE_64)
    decoder.detail = True
    decoder.skipdata = True
    return decoder


def _instruction(raw: CsInsn) -> Instruction:
    if raw.id == 0:  # data, see skipdata
        return Instruction(raw.address, "")
    name = raw.insn_name()
    memory = _first_memory(raw)
    calls, jumps = raw.group(CS_GRP_CALL), raw.group(CS_GRP_JUMP)
    returns = raw.group(CS_GRP_RET)
    reads, kills, makes = _flow(raw, name)
    target, direct = _target(raw) if calls or jumps else (None, False)
    return Instruction(
        raw.address,
        name,
        reads,
        kills,
        makes,
        _place(raw, memory) if memory else "",
        _pointers(raw, memory) if memory else _NOTHING,
        target,
        direct,
        jumps,
        calls,
        returns,
        follows=not returns and name not in _ENDS,
    )


def _first_memory(raw: CsInsn) -> X86Op | None:
    """Return the memory operand, of two the source."""
    operands: list[X86Op] = raw.operands
    return next((operand for operand in reversed(operands) if operand.type == X86_OP_MEM), None)


def _target(raw: CsInsn) -> tuple[int | None, bool]:
    """Return where a jump or call leads, or the slot it loads that from; whether it is direct."""
    (operand,) = raw.operands[:1] or (None,)
    if operand and operand.type == X86_OP_IMM:
        return operand.imm, True
    if operand and operand.type == X86_OP_MEM and _pointers(raw, operand) == {PROGRAM_COUNTER}:
        return raw.address + raw.size + operand.mem.disp, False
    return None, False


def _flow(raw: CsInsn, name: str) -> tuple[Places, Places, Places]:
    """Return the places that the instruction reads, those that it kills and those that it makes."""
    if raw.group(CS_GRP_CALL):
        return _ARGUMENTS, _OF_CALLS, _RESULT
    if raw.group(CS_GRP_RET):
        return _RESULT, _NOTHING, _NOTHING
    read, written = _accesses(raw, name)
    if name.startswith(_CLEARING) and _is_of_one_register(raw):
        read = _NOTHING
    return read, written, written


def _accesses(raw: CsInsn, name: str) -> tuple[Places, Places]:
    read = _registers(raw, raw.regs_read) - {STACK}
    written = _registers(raw, raw.regs_write) - {STACK}
    if read & {"rsi", "rdi"}:
        read -= {FLAGS}  # a string instruction reads the direction flag only
    if name.startswith("cmpxchg"):
        written |= {"rax", FLAGS}
    for number, operand in enumerate(raw.operands):
        access = _access(name, operand, number)
        if access & CS_AC_READ and not (operand.type == X86_OP_MEM and name.startswith("lea")):
            read |= {_place(raw, operand)}
        if operand.type == X86_OP_MEM and access & CS_AC_READ:
            read |= _pointers(raw, operand)
        if access & CS_AC_WRITE:
            written |= {_place(raw, operand)}
    return read, written


def _access(name: str, operand: X86Op, number: int) -> int:
    """Return how the instruction uses its operand `number`, as Capstone's bits."""
    if number == 0:
        for start, access in _CORRECTED:
            if name.startswith(start):
                return int(access)
    if operand.type not in (X86_OP_REG, X86_OP_MEM):
        return 0
    return int(operand.access or (_BOTH if number == 0 else CS_AC_READ))


def _is_of_one_register(raw: CsInsn) -> bool:
    sources = raw.operands[-2:]
    return all(operand.type == X86_OP_REG for operand in sources) and (
        sources[0].reg == sources[-1].reg
    )


def _registers(raw: CsInsn, numbers: list[int]) -> Places:
    return frozenset(_whole(raw.reg_name(number)) for number in numbers)


def _place(raw: CsInsn, operand: X86Op) -> str:
    """Return the register or the address expression of an operand, as a place."""
    if operand.type == X86_OP_REG:
        return _whole(raw.reg_name(operand.reg))
    memory = operand.mem
    segment, base, index = (
        _whole(raw.reg_name(number)) if number else ""
        for number in (memory.segment, memory.base, memory.index)
    )
    if base == PROGRAM_COUNTER:
        return f"[{segment}:{raw.address + raw.size + memory.disp:#x}]"
    return f"[{segment}:{base}+{index}*{memory.scale}+{memory.disp:#x}]"


def _pointers(raw: CsInsn, operand: X86Op) -> Places:
    numbers = [number for number in (operand.mem.base, operand.mem.index) if number]
    return _registers(raw, numbers)


@cache
def _whole(name: str) -> str:
    """Return the 64-bit register, or the vector register, that `name` is a part of."""
    for pattern, start, end in _WHOLE:
        if found := pattern.match(name):
            return start + found[1] + end
    return name
