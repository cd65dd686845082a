# SPDX-License-Identifier: GPL-2.0-or-later
"""What a sequence lock's reader throws away is no race; what looks like it and is kept is one."""

from tests.unit.checker.checker import Story

WORD, DATA, MORE = 0x1000, 0x2000, 0x3000
LOOK, LOAD, LOAD_MORE = 0x10, 0x20, 0x30  # instructions of the reader

RACES = ["data race"] * 2


def look(story: Story, value: int) -> Story:
    return story.tell(2, "locked", WORD, value, old=value, pc=LOOK)


def load(story: Story, value: int) -> Story:
    """Load two words, for one alone may be a flag that is polled."""
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
    """Return what happened while the writer was in, and the reader loaded in so many rounds."""
    story = change(Story(), 1)
    look(story, 1)
    store(story, 7)
    for _ in range(rounds):
        look(load(story, 7), 1)
    return story


def test_what_is_loaded_again_until_the_word_changes_is_thrown_away():
    story = load(locked_once(5), 7)
    look(change(story, 2), 2)
    assert look(load(story, 7), 2).kinds() == []


def test_what_is_loaded_once_under_a_word_that_stays_is_a_race():
    story = look(look(locked_once(1), 1), 1)
    assert look(change(story, 2), 2).kinds() == RACES


def test_what_is_loaded_under_a_word_that_its_writer_does_not_touch_is_a_race():
    story = look(Story(), 0)
    store(story, 7)
    for _ in range(5):
        look(load(story, 7), 0)
    assert story.kinds() == RACES


def test_what_is_loaded_and_then_acted_on_is_a_race():
    story = locked_once(1)
    assert story.tell(2, "locked", WORD, 5, old=1).kinds() == RACES
