# SPDX-License-Identifier: GPL-2.0-or-later
"""Idioms of shared memory, event by event: only wrong ones are reported."""

from tests.unit.checker.checker import Story

FLAG, DATA, HEAD, BLOCK = 0x1000, 0x2000, 0x3000, 0x4000
TOP, BOTTOM = 0x5000, 0x5040


def store(story: Story, node: int, word: int, value: int, *, pc: int = 1) -> Story:
    """Store a word and write it back."""
    return story.tell(node, "store", word, value, pc=pc).tell(node, "clflush", word, size=64)


def load(story: Story, node: int, word: int, value: int, *, pc: int = 2) -> Story:
    """Fetch and load a word."""
    return story.tell(node, "clflush", word, size=64).tell(node, "load", word, value, pc=pc)


def change(story: Story, node: int, word: int, value: int, *, size: int = 8) -> Story:
    return story.tell(node, "locked", word, value, old=value - 1, size=size, pc=3)


def look(story: Story, node: int, word: int, value: int) -> Story:
    return story.tell(node, "locked", word, value, old=value, pc=4)


def polled_upper_half(*, is_written_back: bool) -> list[str]:
    """A flag in the upper half of a store of 16 bytes publishes data in another line."""
    story = Story()
    for _ in range(3):
        load(story, 2, FLAG + 8, 0)
    story.tell(1, "store", DATA, 7, pc=9)
    if is_written_back:
        story.tell(1, "clflush", DATA, size=64)
    story.tell(1, "store", FLAG, 42, size=16, pc=5).tell(1, "clflush", FLAG, size=64)
    load(story, 2, FLAG + 8, 1)
    load(story, 2, DATA, 7 if is_written_back else 0, pc=6)
    story.tell(1, "clflush", DATA, size=64)
    return story.kinds()


def test_a_flag_in_the_upper_half_of_a_wide_store():
    assert polled_upper_half(is_written_back=True) == []
    assert "unflushed publication" in polled_upper_half(is_written_back=False)


def free_list(*, goes_on: bool) -> list[str]:
    """Node 3 loads a block's link; node 2 takes the block, and stores when node 3 knows that."""
    story = change(store(Story(), 1, BLOCK, 5), 1, HEAD, 1)
    load(look(story, 3, HEAD, 1), 3, BLOCK, 5)
    change(story, 2, HEAD, 2)
    look(story, 3, HEAD, 2)  # its compare-and-swap fails
    if goes_on:
        look(story, 3, HEAD + 64, 2)
    store(story, 2, BLOCK, 9)
    return change(story, 2, HEAD, 3).kinds()


def test_loads_before_a_failed_swap_are_forgotten():
    assert free_list(goes_on=False) == []
    assert free_list(goes_on=True) == []


def test_a_thief_that_validates_two_words_and_loses_has_no_race():
    """A deque: the owner reuses a block that node 2 stole before node 3 could."""
    story = change(store(Story(), 1, BLOCK, 5), 1, BOTTOM, 1)
    for thief in (3, 2):
        look(look(story, thief, TOP, 0), thief, BOTTOM, 1)
    change(load(story, 2, BLOCK, 5), 2, TOP, 1)
    store(look(story, 1, TOP, 1), 1, BLOCK, 6)
    assert look(load(story, 3, BLOCK, 6), 3, TOP, 1).kinds() == []


def test_locks_of_four_bytes_side_by_side_are_two():
    story = change(Story(), 1, HEAD, 1, size=4)
    store(load(story, 1, DATA, 0), 1, DATA, 1)
    change(story, 1, HEAD, 2, size=4)
    change(story, 2, HEAD + 4, 1, size=4)
    store(load(story, 2, DATA, 1), 2, DATA, 2)
    assert set(change(story, 2, HEAD + 4, 2, size=4).kinds()) == {"data race"}


def test_data_half_written_back_under_a_sequence_lock_are_no_defect():
    story = change(look(Story(), 2, FLAG, 0), 1, FLAG, 1)
    story.tell(1, "store", DATA, 7, pc=5)
    store(story, 1, BLOCK, 7)
    load(load(story, 2, BLOCK, 7, pc=6), 2, DATA, 0, pc=7)
    look(story, 2, FLAG, 1)
    change(story.tell(1, "clflush", DATA, size=64), 1, FLAG, 2)
    look(story, 2, FLAG, 2)
    load(load(story, 2, BLOCK, 7, pc=6), 2, DATA, 7, pc=7)
    assert look(story, 2, FLAG, 2).kinds() == []


def test_a_counter_that_is_incremented_validates_no_load():
    """An increment is no validation: the loads before it stay in force."""
    story = change(Story(), 2, HEAD, 1)
    load(load(story, 2, DATA, 0, pc=6), 2, BLOCK, 0, pc=7)
    store(store(story, 1, DATA, 7), 1, BLOCK, 7)
    change(change(story, 1, HEAD, 2), 2, HEAD, 3)
    assert set(story.kinds()) == {"data race"}


def test_an_old_copy_is_stale_although_a_counter_is_validated_meanwhile():
    """The flag was seen before: its publication stays known when the counter has changed."""
    story = load(Story(), 2, DATA, 0)
    store(store(story, 1, DATA, 1), 1, FLAG, 1, pc=5)
    load(story, 2, FLAG, 1, pc=6)
    look(story, 2, HEAD, 0).tell(2, "load", DATA, 0, pc=7)
    assert "stale read" in look(change(story, 1, HEAD, 1), 2, HEAD, 1).kinds()


def test_one_word_is_validated_again_and_again_over_many_others():
    story = Story()
    for round_ in range(12):
        bucket, data = BOTTOM + 64 * round_, BLOCK - 64 * round_
        look(look(story, 2, HEAD, round_), 2, bucket, 0)
        change(story, 1, HEAD, round_ + 1)
        load(store(story, 1, data, 7), 2, data, 7)
        look(look(story, 2, bucket, 0), 2, HEAD, round_ + 1)
    assert story.kinds() == []


def test_a_word_that_was_only_validated_is_no_flag():
    story = look(look(store(Story(), 1, DATA, 1), 1, FLAG, 0), 2, FLAG, 0)
    load(story, 2, DATA, 1)
    assert load(store(story, 1, FLAG, 5, pc=8), 2, FLAG, 5, pc=9).kinds() == ["data race"]
