# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a load poll? It does if its value ends a loop that throws copies away. Pure.

By what `objdump -d` prints. Loops are the natural ones: what leads back to where the loop was
entered (Aho, Lam, Sethi, Ullman: Compilers, 9.6). A compiler may have put the first look before
the loop (gcc's -ftree-ch): that one polls if its value tells whether the loop is entered.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from famulus.checker.code.dataflow import depends_on, memory_operand

_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$", re.MULTILINE)
_JUMP = re.compile(r"(?:notrack |bnd )?(j\w+)\s+([0-9a-f]+)")
_NAME = re.compile(r"^[0-9a-f]+ <([^>]+)>:$", re.MULTILINE)
_OWN = re.compile(r"%[re](?:sp|ip)\b")
_FRAME = re.compile(r"%rbp\b")
_MAKES_FRAME = re.compile(r"mov\s+%rsp,%rbp")
_NO_LOADS = ("lea", "clflush", "clwb", "nop", "prefetch", "call", "j")
_NO_RETURN = re.compile(r"^call.*<(?:_?exit|abort|__assert_fail|__stack_chk_fail)(?:@plt)?>")
_CALL = r"(?:addr32 |bnd |notrack )*call\s+"
_RET = re.compile(r"(?:repz |bnd )?ret")
_ENDS = ("ret", "repz ret", "bnd ret", "hlt", "ud2", "jmp", "bnd jmp", "notrack jmp")
_MOST = 300  # instructions of a loop: to follow each one of a larger takes minutes
_REFETCHES = ("clflush", "call", "mfence")

Code = Mapping[int, str]  # an instruction's words by its address
Ways = Mapping[int, frozenset[int]]  # where it goes on from there


def in_polling_loop(disassembly: str, address: int, *, alone: bool = False) -> bool:
    """Tell whether what is loaded at `address` can end a loop with a flush or a call in it.

    `alone`: it can do so without what else is loaded there.
    """
    code = _parse(disassembly)
    ways = _successors(code)
    if address not in code:
        return False
    loops = [loop for loop in _loops(ways) if _refetches(code, loop)]
    word = memory_operand(code[address])
    if word is None or any(_ends(code, ways, loop, address, alone=alone) for loop in loops):
        return word is not None
    if alone:
        return False
    again = {at for at in code if at != address and memory_operand(code[at]) == word}
    polling = {at for at in again if any(_ends(code, ways, loop, at) for loop in loops)}
    return _decides(code, ways, address, polling)


def returning(disassembly: str, address: int) -> str:
    """Return the name of the function if what is loaded at `address` decides what it returns."""
    code = _parse(disassembly)
    name = _NAME.search(disassembly)
    if address not in code or not name:
        return ""
    ways = _successors(code)
    # A return is as an instruction that uses rax.
    marked = {at: "mov %rax,%rax" if _RET.match(words) else words for at, words in code.items()}
    used = depends_on(marked, ways, address)
    return name[1] if any(_RET.match(code[at]) for at in used) else ""


def polling_calls(disassembly: str, name: str) -> Iterator[bool]:
    """Tell for each call of function `name`, or by a pointer, whether what it returns polls."""
    wanted = re.compile(_CALL + (rf"[0-9a-f]+ <{re.escape(name)}(?:@plt)?>" if name else r"\*"))
    for function in disassembly.split("\n\n"):
        code = _parse(function)
        ways = _successors(code)
        loops = _loops(ways)
        for at, words in code.items():
            if wanted.match(words):
                yield any(_ends(code, ways, loop, at) for loop in loops)


def _parse(disassembly: str) -> dict[int, str]:
    return {int(at, 16): words for at, words in _INSTRUCTION.findall(disassembly)}


def _ends(code: Code, ways: Ways, loop: frozenset[int], load: int, *, alone: bool = False) -> bool:
    """Tell whether the loaded value decides a jump out of the loop, and not one of many such."""
    if load not in loop:
        return False
    inside = {at: ways[at] & loop for at in loop}
    jumps = {at for at in depends_on(code, inside, load) if len(ways[at]) > 1}
    if alone and len(loop) > _MOST:
        return False
    for other in _loads(code) & loop - {load} if alone else ():
        jumps -= depends_on(code, inside, other)
    leaves = any(not ways[at] <= loop for at in jumps)
    return leaves and not _moves_on(code, inside, load)


def _loads(code: Code) -> set[int]:
    """Return what may load shared memory: not by the stack's pointers or the program's."""
    has_frame = any(map(_MAKES_FRAME.match, code.values()))
    found = {at: memory_operand(words) or "" for at, words in code.items()}
    return {
        at
        for at, word in found.items()
        if word
        and not code[at].startswith(_NO_LOADS)
        and not _OWN.search(word)
        and not (has_frame and _FRAME.search(word))
    }


def _moves_on(code: Code, inside: Ways, load: int) -> bool:
    """Tell whether the address changes from round to round: by what is made of itself."""
    if memory_operand(code[load]) is None or len(inside) > _MOST:
        return False
    followed = ((at, depends_on(code, inside, at)) for at in inside)
    return any(at in after and (at == load or load in after) for at, after in followed)


def _decides(code: Code, ways: Ways, load: int, wanted: set[int]) -> bool:
    """Tell whether the loaded value decides that one of `wanted` is reached before `load` is."""
    once = {at: following - {load} for at, following in ways.items()}
    return any(
        len({bool(_reached(once, way) & wanted) for way in ways[at]}) > 1
        for at in (depends_on(code, once, load) if wanted else ())
    )


def _reached(ways: Ways, start: int) -> set[int]:
    """Return `start` and what is reached from there."""
    found: set[int] = set()
    left = {start}
    while left:
        at = left.pop()
        found.add(at)
        left |= ways[at] - found
    return found


def _refetches(code: Code, loop: frozenset[int]) -> bool:
    return any(code[at].startswith(_REFETCHES) for at in loop)


def _successors(code: Code) -> Ways:
    following = dict(pairwise(sorted(code)))
    ways: dict[int, frozenset[int]] = {}
    for at, words in code.items():
        jump = _JUMP.match(words)
        ends = words.startswith(_ENDS) or _NO_RETURN.search(words)
        wanted = {int(jump[2], 16)} if jump else set()
        if not ends and at in following:
            wanted.add(following[at])
        ways[at] = frozenset(wanted & code.keys())
    return ways


def _loops(ways: Ways) -> list[frozenset[int]]:
    before: dict[int, set[int]] = {at: set() for at in ways}
    for at, following in ways.items():
        for next_ in following:
            before[next_].add(at)
    return [_body(before, start, end) for end, start in _back_edges(ways)]


def _body(before: Mapping[int, set[int]], start: int, end: int) -> frozenset[int]:
    found, left = {start}, [end]
    while left:
        at = left.pop()
        if at not in found:
            found.add(at)
            left += before[at]
    return frozenset(found)


def _back_edges(ways: Ways) -> Iterator[tuple[int, int]]:
    """Walk depth first; yield what leads back to an instruction that the walk is still below."""
    seen: set[int] = set()
    for root in sorted(ways):
        path, below = [(root, iter(ways[root]))] if root not in seen else [], {root}
        seen.add(root)
        while path:
            at, rest = path[-1]
            next_ = next(rest, None)
            if next_ is None:
                path.pop()
                below.discard(at)
            elif next_ in below:
                yield at, next_
            elif next_ not in seen:
                seen.add(next_)
                below.add(next_)
                path.append((next_, iter(ways[next_])))
