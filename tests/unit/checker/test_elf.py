# SPDX-License-Identifier: GPL-2.0-or-later
"""ELF files that a compiler and a linker made: functions and calls by name, stub and pointer."""

import pytest

from famulus.checker.code.elf import Elf
from tests.unit.checker.checker import gcc

SOURCE = """
#include <stdlib.h>
int (*pointer)(void);
int get(void) { return 7; }
int __attribute__((noipa)) use(void) { return get() + 1; }
int __attribute__((noipa)) call(void) { return pointer() + 1; }
void __attribute__((noipa)) leave(void) { exit(3); }
"""
KINDS = {"PLT": "-fplt", "no PLT": "-fno-plt"}


@pytest.fixture(scope="module", params=[*KINDS.values()], ids=[*KINDS])
def library(request, tmp_path_factory):
    """A shared library, which calls even its own functions by the linkage table."""
    folder = tmp_path_factory.mktemp("elf")
    source, made = folder / "library.c", folder / "library.so"
    source.write_text(SOURCE, encoding="utf-8")
    gcc("-O1", request.param, "-shared", "-fPIC", "-fno-inline", source, "-o", made)
    return Elf(made.read_bytes())


def entry(file: Elf, name: str) -> int:
    (found,) = (at for at, names in file.labels.items() if name in names)
    return found


def test_a_call_by_the_linkage_table_is_a_call_by_name(library):
    ((caller, _),) = library.calls(entry(library, "get"))
    assert entry(library, "use") in caller.code


def test_a_call_by_a_pointer_is_none_by_name(library):
    callers = [caller for caller, _ in library.calls_by_pointer()]
    assert any(entry(library, "call") in caller.code for caller in callers)
    assert not any(entry(library, "use") in caller.code for caller in callers)


def test_no_instruction_follows_a_call_of_exit(library):
    code = library.function(entry(library, "leave")).code.values()
    assert [instruction.follows for instruction in code if instruction.calls] == [False]


def test_an_address_outside_all_code_is_in_no_function(library):
    assert library.function(0) is None
    assert list(library.calls(0)) == []
