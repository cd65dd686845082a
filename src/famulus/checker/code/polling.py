# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a load poll? A load polls if its value ends a loop that throws copies away. Pure.

A compiler may put the first look before the loop (gcc's -ftree-ch): that load polls if its value
decides whether the loop is entered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from famulus.checker.code.dataflow import Ways, depends_on
from famulus.checker.code.instructions import FRAME, PROGRAM_COUNTER, STACK, Instruction
from famulus.checker.code.loops import Loop, natural_loops, reached, successors

_MOST = 300  # instructions of a loop: to follow each one of a larger takes minutes
_THROW_AWAY = ("clflush", "mfence")  # and calls, which may do so


@dataclass(frozen=True)
class Function:
    """The code of one function: its instructions by address."""

    code: Mapping[int, Instruction]

    def polls(self, load: int, *, alone: bool = False) -> bool:
        """Tell whether the value loaded at `load` can end a loop with a flush or a call in it.

        `alone`: it can do so without the values of other loads there.
        """
        if load not in self.code:
            return False
        loops = [loop for loop in self._loops if self._throws_away(loop)]
        memory = self.code[load].memory
        if not memory or any(self._ends(loop, load, alone=alone) for loop in loops):
            return bool(memory)
        return not alone and self._decides(load, self._polling(memory, loops) - {load})

    def returns(self, load: int) -> bool:
        """Tell whether the value loaded at `load` decides the function's return value."""
        if load not in self.code:
            return False
        return any(self.code[at].returns for at in depends_on(self.code, self._ways, load))

    def call_polls(self, call: int) -> bool:
        """Tell whether the value that the call at `call` returns ends a loop."""
        return any(self._ends(loop, call) for loop in self._loops)

    @cached_property
    def _ways(self) -> Ways:
        return successors(self.code)

    @cached_property
    def _loops(self) -> list[Loop]:
        return natural_loops(self._ways)

    @cached_property
    def _shared_accesses(self) -> set[int]:
        """The instructions that may access shared memory: not by the stack's pointers or rip."""
        own = {STACK, PROGRAM_COUNTER, *([FRAME] if self._has_frame else [])}
        return {at for at, i in self.code.items() if i.accesses and not i.pointers & own}

    @property
    def _has_frame(self) -> bool:
        """Tell whether the function keeps its stack frame in rbp."""
        return any(
            instruction.name == "mov" and STACK in instruction.reads and FRAME in instruction.makes
            for instruction in self.code.values()
        )

    def _throws_away(self, loop: Loop) -> bool:
        inside = [self.code[at] for at in loop]
        return any(i.calls or i.name.startswith(_THROW_AWAY) for i in inside)

    def _polling(self, memory: str, loops: list[Loop]) -> set[int]:
        """Return the accesses to `memory` whose value ends one of `loops`."""
        again = [at for at, instruction in self.code.items() if instruction.memory == memory]
        return {at for at in again if any(self._ends(loop, at) for loop in loops)}

    def _ends(self, loop: Loop, load: int, *, alone: bool = False) -> bool:
        """Tell whether the value of `load` decides a jump out of the loop, at the same address.

        A load whose address changes from round to round looks through many words; no poll.
        """
        if load not in loop or (alone and len(loop) > _MOST):
            return False
        inside = {at: self._ways[at] & loop for at in loop}
        jumps = self._deciding(inside, load)
        for other in self._shared_accesses & loop - {load} if alone else ():
            jumps -= depends_on(self.code, inside, other)
        leaves = any(not self._ways[at] <= loop for at in jumps)
        return leaves and not self._moves_on(inside, load)

    def _deciding(self, inside: Ways, load: int) -> set[int]:
        """Return the conditional jumps that depend on the value of `load`."""
        used = depends_on(self.code, inside, load)
        return {at for at in used if len(self._ways[at]) > 1}

    def _moves_on(self, inside: Ways, load: int) -> bool:
        """Tell whether an instruction that depends on itself makes the address of `load`."""
        if not self.code[load].memory or len(inside) > _MOST:
            return False
        followed = ((at, depends_on(self.code, inside, at)) for at in inside)
        return any(at in after and (at == load or load in after) for at, after in followed)

    def _decides(self, load: int, wanted: set[int]) -> bool:
        """Tell whether the value of `load` decides that one of `wanted` is reached before it."""
        once = {at: following - {load} for at, following in self._ways.items()}
        return any(
            len({bool(reached(once, way) & wanted) for way in self._ways[at]}) > 1
            for at in (depends_on(self.code, once, load) if wanted else ())
        )
