# SPDX-License-Identifier: GPL-2.0-or-later
"""Places that an instruction reads and writes, also where Capstone names less."""

import pytest

from famulus.checker.code.instructions import Instruction, decode


def instruction(code: str, address: int = 0) -> Instruction:
    (found,) = decode(bytes.fromhex(code), address)
    return found


@pytest.mark.parametrize(
    ("code", "reads", "makes"),
    [
        ("480f44c3", {"rax", "rbx", "rflags"}, {"rax"}),  # cmove %rbx,%rax
        ("f0480fb11f", {"rax", "rbx", "rdi", "[:rdi+*1+0x0]"}, {"rax", "rflags", "[:rdi+*1+0x0]"}),
        ("480fc307", {"rax"}, {"[:rdi+*1+0x0]"}),  # movnti %rax,(%rdi)
        ("31c0", set(), {"rax", "rflags"}),  # xor %eax,%eax
        ("8844b708", {"rax"}, {"[:rdi+rsi*4+0x8]"}),  # mov %al,0x8(%rdi,%rsi,4)
        ("488d4708", {"rdi"}, {"rax"}),  # lea 0x8(%rdi),%rax
        ("50", {"rax"}, set()),  # push %rax
    ],
)
def test_an_instruction_reads_and_makes_places(code, reads, makes):
    found = instruction(code)
    assert (set(found.reads), set(found.makes), found.kills) == (reads, makes, found.makes)


def test_a_string_instruction_does_not_depend_on_compared_values():
    found = instruction("f348a5")  # rep movsq
    assert "rflags" not in found.reads
    assert {"rsi", "rdi", "rcx"} <= found.makes
    assert found.memory == "[:rsi+*1+0x0]"  # of two operands the source


def test_an_address_relative_to_the_program_counter_is_one_place():
    load, store = decode(bytes.fromhex("8b05000100008905fa000000"), 0x1000)
    assert load.memory == store.memory == "[:0x1106]"
    assert load.memory in load.reads
    assert load.memory in store.makes


def test_a_call_reads_arguments_and_makes_the_result():
    found = instruction("ffd0")  # call *%rax
    assert (found.calls, found.target, found.direct) == (True, None, False)
    assert "rdi" in found.reads
    assert found.makes == {"rax"}
    assert {"rax", "rcx", "rflags"} <= found.kills
    assert "rbx" not in found.kills


def test_a_direct_jump_has_its_target():
    found = instruction("ebfe", 0x40)
    assert (found.jumps, found.target, found.direct, found.follows) == (True, 0x40, True, False)
