# SPDX-License-Identifier: GPL-2.0-or-later
"""The instructions that the plugin decodes, and their operands. The bytes are from GNU as."""

import subprocess

import pytest

from tests.unit.native.plugin import build

# operation, size, base, index, scale, displacement, relative, 67 prefix, segment, bit register
NO = -1
INSTRUCTIONS = {
    "0fae38": ("clflush (%rax)", 1, 0, 0, NO, 1, 0, 0, 0, 0, NO),
    "660fae7d08": ("clflushopt 8(%rbp)", 2, 0, 5, NO, 1, 8, 0, 0, 0, NO),
    "66430fae74cc80": ("clwb -128(%r12,%r9,8)", 3, 0, 12, 9, 8, -128, 0, 0, 0, NO),
    "0fae3d10000000": ("clflush 16(%rip)", 1, 0, NO, NO, 1, 16, 1, 0, 0, NO),
    "640fae3c2510000000": ("clflush %fs:16", 1, 0, NO, NO, 1, 16, 0, 0, ord("f"), NO),
    "670fae38": ("clflush (%eax)", 1, 0, 0, NO, 1, 0, 0, 1, 0, NO),
    "0f09": ("wbinvd", 4, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "f30f09": ("wbnoinvd", 5, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "0faef8": ("sfence", 6, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "0faef0": ("mfence", 7, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "0faee8": ("lfence", 8, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "f0480fc107": ("lock xadd %rax,(%rdi)", 9, 8, 7, NO, 1, 0, 0, 0, 0, NO),
    "f00fb10f": ("lock cmpxchg %ecx,(%rdi)", 9, 4, 7, NO, 1, 0, 0, 0, 0, NO),
    "f0480fc70e": ("lock cmpxchg16b (%rsi)", 9, 16, 6, NO, 1, 0, 0, 0, 0, NO),
    "f0fe00": ("lock incb (%rax)", 9, 1, 0, NO, 1, 0, 0, 0, 0, NO),
    "66f0830001": ("lock addw $1,(%rax)", 9, 2, 0, NO, 1, 0, 0, 0, 0, NO),
    "f0830c2400": ("lock orl $0,(%rsp)", 9, 4, 4, NO, 1, 0, 0, 0, 0, NO),
    "488706": ("xchg %rax,(%rsi)", 9, 8, 6, NO, 1, 0, 0, 0, 0, NO),
    "8606": ("xchg %al,(%rsi)", 9, 1, 6, NO, 1, 0, 0, 0, 0, NO),
    "f04c0fab0f": ("lock bts %r9,(%rdi)", 9, 8, 7, NO, 1, 0, 0, 0, 0, 9),
    "87c8": ("xchg %ecx,%eax", 0, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "480fc307": ("movnti %rax,(%rdi)", 10, 0, 7, NO, 1, 0, 0, 0, 0, NO),
    "660fe707": ("movntdq %xmm0,(%rdi)", 10, 0, 7, NO, 1, 0, 0, 0, 0, NO),
    "0fa2": ("cpuid", 11, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "0f22d8": ("mov %rax,%cr3", 12, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "0f0138": ("invlpg (%rax)", 12, 0, 0, NO, 1, 0, 0, 0, 0, NO),
    "48cf": ("iretq", 13, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "0f30": ("wrmsr", 14, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "488b07": ("mov (%rdi),%rax", 0, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "0f0d08": ("prefetchw (%rax)", 0, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "0f18c0": ("a hint", 0, 0, NO, NO, 1, 0, 0, 0, 0, NO),
    "0faee0": ("a reserved instruction", 0, 0, NO, NO, 1, 0, 0, 0, 0, NO),
}
AVX = ("c5f9e707", "c5fde707", "c5fc2b07", "c4c17de706")


@pytest.fixture(scope="module")
def decoded(tmp_path_factory):
    program = build(tmp_path_factory.mktemp("decode"), "plugin_decode", "plugin/decode.c")

    def decode(codes):
        text = "\n".join(codes)
        done = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
        rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
        return dict(zip(codes, rows, strict=True))

    return decode


def test_operation_and_operand_of_each_instruction(decoded):
    found = decoded(list(INSTRUCTIONS))
    for code, (name, *wanted) in INSTRUCTIONS.items():
        assert found[code] == tuple(wanted), name


def test_non_temporal_stores_of_avx(decoded):
    assert {row[0] for row in decoded(list(AVX)).values()} == {10}
