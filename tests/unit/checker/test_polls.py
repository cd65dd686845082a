# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads that poll, and loads that do not, in code that a compiler made."""

import pytest

from famulus.checker.code.elf import Elf
from famulus.checker.code.polling import Function
from tests.unit.checker.checker import gcc

OFFSET = 0x1240  # of the word, so that the code shows its loads
SOURCE = """
#include <stdint.h>
#include <emmintrin.h>
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
def file(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("polls")
    source, made = folder / "polls.c", folder / "polls"
    source.write_text(SOURCE, encoding="utf-8")
    gcc(request.param, "-nostdlib", "-no-pie", "-Wl,--entry=0", source, "-o", made)
    return Elf(made.read_bytes())


def verdicts(file: Elf, name: str, *, alone: bool = False) -> set[bool]:
    """Return the verdict about each of the function's loads of the word."""
    function = function_of(file, name)
    return {function.polls(at, alone=alone) for at in loads_of(function)}


def function_of(file: Elf, name: str) -> Function:
    (entry,) = (at for at, names in file.labels.items() if name in names)
    function = file.function(entry)
    assert function
    return function


def loads_of(function: Function) -> list[int]:
    return [
        at
        for at, instruction in function.code.items()
        if instruction.name.startswith(("mov", "cmp"))
        and instruction.memory.endswith(f"+{OFFSET:#x}]")
        and instruction.memory in instruction.reads
    ]


@pytest.mark.parametrize("function", POLLS)
def test_a_load_polls_if_its_value_ends_the_loop(file, function):
    assert verdicts(file, function) == {True}


@pytest.mark.parametrize("function", OTHERS)
def test_any_other_load_does_not_poll(file, function):
    assert verdicts(file, function) == {False}


@pytest.mark.parametrize("function", POLLS)
def test_a_load_that_polls_does_so_alone(file, function):
    """A first look that the compiler put before the loop does not count."""
    assert True in verdicts(file, function, alone=True)


def test_two_words_that_are_compared_poll_together_but_not_alone(file):
    assert True in verdicts(file, "equal")
    assert verdicts(file, "equal", alone=True) == {False}


@pytest.mark.parametrize(("function", "calls"), [("once", {True}), ("both", {True, False})])
def test_a_function_that_returns_what_it_loads_polls_if_its_callers_do(file, function, calls):
    code = function_of(file, function)
    (load,) = loads_of(code)
    assert code.returns(load)
    assert {caller.call_polls(at) for caller, at in file.calls(load)} == calls
