# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin knows the line of the script that each thread runs."""

import ctypes
import subprocess

import pytest

from tests.unit.native.plugin import FLAGS, NATIVE

PC = 0x7FFF_F79B_0508
KERNEL = 0xFFFF_FFFF_8100_0000


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    target = tmp_path_factory.mktemp("script") / "script.so"
    source = NATIVE / "plugin" / "script.c"
    subprocess.run(["gcc", *FLAGS, "-fPIC", "-shared", "-o", target, source], check=True)
    return ctypes.CDLL(str(target))


def test_a_thread_has_its_line_until_the_program_ends(script):
    def pc(space, thread, at=PC):
        return function(space, thread, at)

    function = script.script_pc
    function.argtypes, function.restype = [ctypes.c_uint64] * 3, ctypes.c_uint64
    assert pc(0x1000, 7) == PC
    for space, thread, line in ((0x1000, 7, 5), (0x1000, 8, 6), (0x2000, 7, 0xFFFE)):
        script.script_runs(ctypes.c_uint64(space), ctypes.c_uint64(thread), line)
    assert (pc(0x1000, 7), pc(0x1000, 8)) == (PC | 5 << 48, PC | 6 << 48)
    assert pc(0x2000, 7) == PC | 0xFFFE << 48
    assert pc(0x1000, 7, KERNEL) == KERNEL
    assert pc(0x3000, 7) == PC
    script.script_runs(ctypes.c_uint64(0x1000), ctypes.c_uint64(7), 0xFFFF)
    assert pc(0x1000, 7) == PC
    script.script_ends(ctypes.c_uint64(0x1000))
    assert (pc(0x1000, 8), pc(0x2000, 7)) == (PC, PC | 0xFFFE << 48)
