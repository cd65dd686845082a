# SPDX-License-Identifier: GPL-2.0-or-later
"""Every access is an event: without a repeat of an instruction the verdict would change."""

from collections.abc import Sequence

from tests.unit.checker.checker import Story

DATA, FLAG = 0x440, 0x400
_Access = tuple[int, str, int, int, int]  # node, kind, offset, value, program counter


def _found(accesses: Sequence[_Access]) -> list[tuple[str, int]]:
    story = Story()
    for node, kind, offset, value, pc in accesses:
        story.tell(node, kind, offset, value, pc=pc)
    return sorted((defect["kind"], defect["count"]) for defect in story.defects())


def test_a_store_that_is_repeated_after_the_flag_is_late() -> None:
    before = [(1, "store", DATA, 1, 1), (1, "store", FLAG, 1, 2)]
    again = (1, "store", DATA, 2, 1)
    flushes = [(1, "clflush", DATA, 0, 3), (1, "clflush", FLAG, 0, 4)]
    after = [*flushes, (2, "load", FLAG, 1, 5), (2, "load", DATA, 2, 6)]
    assert _found([*before, again, *after]) == [("data race", 1), ("data race", 1)]
    assert _found([*before, *after]) == [("data race", 1), ("unflushed publication", 1)]


def test_a_race_seen_twice_is_counted_twice() -> None:
    stored = [(1, "store", DATA, 1, 1), (1, "clflush", DATA, 0, 2)]
    load = (2, "load", DATA, 0, 3)
    assert _found([*stored, load, load]) == [("data race", 2)]
    assert _found([*stored, load]) == [("data race", 1)]


def test_an_old_copy_that_is_read_again_and_again_is_stale() -> None:
    load = (2, "load", FLAG, 0, 1)
    stored = [load, (1, "store", FLAG, 1, 2), (1, "clflush", FLAG, 0, 3)]
    assert ("stale read", 1) in _found([*stored, *[load] * 120])
    assert "stale read" not in [kind for kind, _ in _found([*stored, load])]


def test_a_race_is_with_the_last_load_of_a_line() -> None:
    first, second = (1, "load", DATA, 0, 1), (1, "load", DATA + 8, 0, 2)
    store = (2, "store", DATA, 1, 3)
    assert _found([first, second, first, store]) == [("data race", 1)]
    assert _found([first, second, store]) == []


def test_a_plain_store_between_locked_instructions_races() -> None:
    store, locked = (1, "store", DATA, 1, 1), (2, "locked", DATA, 5, 2)
    assert _found([store, locked, store]) == [("data race", 1)]
    assert _found([store, locked]) == []
