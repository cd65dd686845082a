# SPDX-License-Identifier: GPL-2.0-or-later
"""Which loads poll, told from code that a compiler made."""

import re
import subprocess

import pytest

from famulus.checker.code.loops import in_polling_loop, polling_calls, returning
from tests.unit.checker.checker import TIMEOUT, gcc

OFFSET = 0x1240  # of the word, so that its loads can be told in the code
SOURCE = """
#include <stdint.h>
#include <immintrin.h>
struct far { char before[0x1240]; volatile uint64_t word; };
int __attribute__((noipa)) work(uint64_t value) { return value & 1; }
#define FRESH(f) (_mm_clflush((void *)&(f)->word), (f)->word)

void until_set(struct far *f) { while (!FRESH(f)) ; }
uint64_t at_least(struct far *f, uint64_t wanted, int tries)
{
	uint64_t seen = 0;
	for (int i = 0; i < tries; i++)
		if ((seen = FRESH(f)) >= wanted) break;
	return seen;
}
void each_round(struct far *f, uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++) {
		while (FRESH(f) < i) work(0);
		work(i);
	}
}
void until_worked(struct far *f) { while (work(FRESH(f))) ; }
void until_bit(struct far *f) { uint64_t w; do w = FRESH(f); while (!(w >> 3 & 1)); }

void count(struct far *f, int rounds)
{
	for (int i = 0; i < rounds; i++) f->word = FRESH(f) + 1;
}
uint64_t sum(struct far *f, int rounds)
{
	uint64_t sum = 0;
	for (int i = 0; i < rounds; i++) sum += FRESH(f);
	return sum;
}
uint64_t torn(struct far *f, int rounds)
{
	uint64_t torn = 0;
	for (int i = 0; i < rounds; i++) { torn += FRESH(f) != 7; work(0); }
	return torn;
}
uint64_t __attribute__((noinline)) once(struct far *f) { return FRESH(f); }
void others_poll(struct far *f) { while (!once(f)) work(0); }
uint64_t __attribute__((noinline)) both(struct far *f) { return FRESH(f) * 3; }
void one_polls(struct far *f) { while (!both(f)) work(0); }
int one_computes(struct far *f) { return work(both(f) + 7); }
void equal(struct far *f, volatile uint64_t *other) { while (FRESH(f) != *other) work(0); }
void row(struct far *f, int count) { while (count-- && FRESH(f)) f++; }
void spin(struct far *f) { while (!f->word) ; }
"""
POLLS = ("until_set", "at_least", "each_round", "until_worked", "until_bit")
OTHERS = ("count", "sum", "torn", "once", "both", "spin", "row")


@pytest.fixture(scope="module", params=["-O0", "-O1", "-O2", "-O3"])
def disassembly(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("polls")
    source, made = folder / "polls.c", folder / "polls"
    source.write_text(SOURCE, encoding="utf-8")
    gcc(request.param, "-nostdlib", "-no-pie", "-Wl,--entry=0", source, "-o", made)
    words = ["objdump", "-d", "--no-show-raw-insn", made]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=TIMEOUT).stdout


def polls(disassembly: str, function: str, *, alone: bool = False) -> set[bool]:
    """What is said of each of the function's loads of the word."""
    part, loads = loads_of(disassembly, function)
    return {in_polling_loop(part, at, alone=alone) for at in loads}


def loads_of(disassembly: str, function: str) -> tuple[str, list[int]]:
    (part,) = (one for one in disassembly.split("\n\n") if f"<{function}>:" in one)
    of_word = rf"^\s*(\w+):\s+(?:mov|cmp)\w*\s+(?:\$\w+,)?{OFFSET:#x}\("
    return part, [int(at, 16) for at in re.findall(of_word, part, re.MULTILINE)]


@pytest.mark.parametrize("function", POLLS)
def test_a_load_polls_if_its_value_ends_the_loop(disassembly, function):
    assert polls(disassembly, function) == {True}


@pytest.mark.parametrize("function", OTHERS)
def test_any_other_load_does_not(disassembly, function):
    assert polls(disassembly, function) == {False}


@pytest.mark.parametrize("function", POLLS)
def test_it_does_so_alone(disassembly, function):
    """A first look that the compiler has put before the loop is not trusted so far."""
    assert True in polls(disassembly, function, alone=True)


def test_two_words_that_are_compared_poll_together_but_not_alone(disassembly):
    assert True in polls(disassembly, "equal")
    assert polls(disassembly, "equal", alone=True) == {False}


@pytest.mark.parametrize(("function", "said"), [("once", {True}), ("both", {True, False})])
def test_a_function_that_returns_what_it_loads_polls_if_its_callers_do(disassembly, function, said):
    part, (load,) = loads_of(disassembly, function)
    assert returning(part, load) == function
    assert set(polling_calls(disassembly, function)) == said
