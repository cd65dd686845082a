# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads that a sequence lock's reader throws away are no race; similar loads that it keeps are."""

from tests.unit.checker.checker import Story

WORD, DATA, MORE = 0x1000, 0x2000, 0x3000
LOOK, LOAD, LOAD_MORE = 0x10, 0x20, 0x30  # instructions of the reader

RACES = ["data race"] * 2


def look(story: Story, value: int) -> Story:
    return story.tell(2, "locked", WORD, value, old=value, pc=LOOK)


def load(story: Story, value: int) -> Story:
    """Load two words, for a single word may be a flag that is polled."""
    for word, pc in ((DATA, LOAD), (MORE, LOAD_MORE)):
        story.tell(2, "clflush", word, size=64).tell(2, "load", word, value, pc=pc)
    return story


def change(story: Story, value: int) -> Story:
    return story.tell(1, "locked", WORD, value, old=value - 1)


def store(story: Story, value: int) -> Story:
    for word in (DATA, MORE):
        story.tell(1, "store", word, value).tell(1, "clflush", word, size=64)
    return story


def locked_once(rounds: int) -> Story:
    """Return the story of a writer with the lock, and of a reader that loads in `rounds` rounds."""
    story = change(Story(), 1)
    look(story, 1)
    store(story, 7)
    for _ in range(rounds):
        look(load(story, 7), 1)
    return story


def test_loads_repeated_until_the_word_changes_are_thrown_away():
    story = load(locked_once(5), 7)
    look(change(story, 2), 2)
    assert look(load(story, 7), 2).kinds() == []


def test_a_load_under_a_word_that_stays_locked_is_a_race():
    story = look(look(locked_once(1), 1), 1)
    assert look(change(story, 2), 2).kinds() == RACES


def test_a_load_under_a_word_that_the_writer_does_not_change_is_a_race():
    story = look(Story(), 0)
    store(story, 7)
    for _ in range(5):
        look(load(story, 7), 0)
    assert story.kinds() == RACES


def test_a_load_that_a_locked_store_follows_is_a_race():
    story = locked_once(1)
    assert story.tell(2, "locked", WORD, 5, old=1).kinds() == RACES
