# SPDX-License-Identifier: GPL-2.0-or-later
"""An x86-64 ELF file: its segments, the bounds of its functions, and its calls."""

import re
import struct
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import Section, SymbolTableSection

from famulus.checker.code.instructions import Instruction, decode
from famulus.checker.code.polling import Function

_AROUND = 1 << 16  # bytes before and after an instruction that are read of a long function
_RELA = struct.Struct("<QQq")  # Elf64_Rela: r_offset, r_info, r_addend; see elf(5)
_SYMBOL_SHIFT = 32  # of r_info
_LABELS = ("STT_FUNC", "STT_NOTYPE", "STT_LOOS")  # STT_LOOS is STT_GNU_IFUNC
_STUB_BYTES = 16  # of an entry of a procedure linkage table without a size of its own
_CALL = re.compile(rb"\xe8|\xff\x15", re.DOTALL)  # call rel32, call *rel32(%rip)
_POINTER_CALL = re.compile(rb"\xff[\x10-\x17\x50-\x57\x90-\x97\xd0-\xd7]", re.DOTALL)
_NO_RETURN = frozenset({"exit", "_exit", "abort", "__assert_fail", "__stack_chk_fail"})


@dataclass(frozen=True)
class _Code:
    """A section with code."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        return self.address + len(self.data)


class Elf:
    """The ELF file whose bytes are `data`. Raises ValueError if `data` is none."""

    def __init__(self, data: bytes) -> None:
        try:
            self._file = ELFFile(BytesIO(data))
            self._segments = [
                (segment["p_offset"], segment["p_vaddr"], segment["p_filesz"])
                for segment in self._file.iter_segments("PT_LOAD")
            ]
        except (ELFError, OSError) as error:
            raise ValueError("this is no ELF file") from error

    def link_address(self, offset: int) -> int | None:
        """Return the address that the linker gave to the byte at file offset `offset`."""
        for start, address, size in self._segments:
            if start <= offset < start + size:
                return int(address + offset - start)
        return None

    def function(self, address: int) -> Function | None:
        """Return the function that the instruction at `address` is in, None outside all code.

        Of a long function only the instructions near `address` are read.
        """
        bounds = self._bounds(address)
        if bounds is None:
            return None
        code, start, end = bounds
        start, end = max(start, address - _AROUND), min(end, address + _AROUND)
        found = decode(code.data[start - code.address : end - code.address], start)
        return Function({i.address: self._without_return(i) for i in found})

    def calls(self, address: int) -> Iterator[tuple[Function, int]]:
        """Yield each call of the function at `address` by its name: the caller, and where."""
        bounds = self._bounds(address)
        if bounds is None:
            return
        names = set(self.labels.get(bounds[1], ()))
        targets = {bounds[1], *(at for at, name in self._imports.items() if name in names)}
        for function in self._functions(self._bytes_of_calls(targets)):
            for at, instruction in function.code.items():
                if instruction.calls and instruction.target in targets:
                    yield function, at

    def calls_by_pointer(self) -> Iterator[tuple[Function, int]]:
        """Yield each call by a pointer: the caller, and where."""
        for function in self._functions(self._bytes_of_calls_by_pointer()):
            for at, instruction in function.code.items():
                if self._calls_by_pointer(instruction):
                    yield function, at

    @cached_property
    def _imports(self) -> dict[int, str]:
        """The names of functions of other files, by the address of each stub and of its slot."""
        slots = dict(self._slots())
        return slots | dict(self._stubs(slots))

    def _functions(self, addresses: Iterable[int]) -> Iterator[Function]:
        """Yield the functions that `addresses`, in ascending order, lie in, each once.

        A long function comes in several parts, which may overlap.
        """
        end = -1
        for address in addresses:
            if address > end and (function := self.function(address)):
                end = max(function.code)
                yield function

    def _calls_by_pointer(self, instruction: Instruction) -> bool:
        return (
            instruction.calls and not instruction.direct and instruction.target not in self._imports
        )

    def _bytes_of_calls(self, targets: Collection[int]) -> Iterator[int]:
        """Yield the address of each byte that may begin a call of one of `targets`."""
        for code in self._code:
            for found in _CALL.finditer(code.data):
                end = found.end() + 4
                (distance,) = struct.unpack("<i", code.data[found.end() : end].ljust(4, b"\0"))
                if code.address + end + distance in targets:
                    yield code.address + found.start()

    def _bytes_of_calls_by_pointer(self) -> Iterator[int]:
        for code in self._code:
            for found in _POINTER_CALL.finditer(code.data):
                yield code.address + found.start()

    def _without_return(self, instruction: Instruction) -> Instruction:
        """Return the instruction; none follows a call of a function that does not return."""
        if not instruction.calls or instruction.target is None:
            return instruction
        names = {self._imports.get(instruction.target), *self.labels.get(instruction.target, ())}
        return replace(instruction, follows=False) if names & _NO_RETURN else instruction

    def _bounds(self, address: int) -> tuple[_Code, int, int] | None:
        """Return the section of `address`, and the first and last byte between two symbols."""
        code = next((c for c in self._code if c.address <= address < c.end), None)
        if code is None:
            return None
        at = bisect_right(self._starts, address)
        start = max(self._starts[at - 1] if at else 0, code.address)
        end = min(self._starts[at] if at < len(self._starts) else code.end, code.end)
        return code, start, end

    @cached_property
    def _code(self) -> list[_Code]:
        return [_Code(section["sh_addr"], section.data()) for section in self._executable()]

    def _executable(self) -> list[Section]:
        wanted = SH_FLAGS.SHF_ALLOC | SH_FLAGS.SHF_EXECINSTR
        return [
            section
            for section in self._file.iter_sections("SHT_PROGBITS")
            if section["sh_flags"] & wanted == wanted
        ]

    @cached_property
    def labels(self) -> dict[int, list[str]]:
        """The names at each address; of a stripped file the names that it exports."""
        tables = {name: self._file.get_section_by_name(name) for name in (".symtab", ".dynsym")}
        table = tables[".symtab"] or tables[".dynsym"]
        labels: dict[int, list[str]] = {}
        for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
            if symbol["st_info"]["type"] in _LABELS and symbol["st_shndx"] != "SHN_UNDEF":
                labels.setdefault(symbol["st_value"], []).append(symbol.name)
        return labels

    @cached_property
    def _starts(self) -> list[int]:
        return sorted(self.labels)

    def _slots(self) -> Iterator[tuple[int, str]]:
        """Yield the address of each slot that the dynamic linker fills, and its function's name."""
        for section in self._file.iter_sections("SHT_RELA"):
            if not isinstance(section, RelocationSection) or not section["sh_flags"]:
                continue
            symbols = self._file.get_section(section["sh_link"])
            data = section.data()
            for slot, info, _ in _RELA.iter_unpack(data[: len(data) // _RELA.size * _RELA.size]):
                number = info >> _SYMBOL_SHIFT
                if number and isinstance(symbols, SymbolTableSection):
                    yield slot, symbols.get_symbol(number).name

    def _stubs(self, slots: dict[int, str]) -> Iterator[tuple[int, str]]:
        """Yield the address of each entry of the procedure linkage tables, and its name."""
        for section in self._executable():
            if not section.name.startswith(".plt"):
                continue
            start, size = section["sh_addr"], section["sh_entsize"] or _STUB_BYTES
            for instruction in decode(section.data(), start):
                if instruction.jumps and instruction.target in slots:
                    entry = start + (instruction.address - start) // size * size
                    yield entry, slots[instruction.target]
