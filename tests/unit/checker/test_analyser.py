# SPDX-License-Identifier: GPL-2.0-or-later
"""The analyser on a few events at a time. Mostly node 1 writes and node 2 reads."""

import pytest

from tests.unit.checker.checker import Story

FLAG, DATA = 0x1000, 0x2000


def message(*, flush: str = "clflush", fence: str | None = None) -> Story:
    """Node 1 stores data and a flag, and writes both back; node 2 polls the flag twice."""
    story = Story().tell(2, "load", FLAG, 0, pc=1).tell(2, "clflush", FLAG)
    story.tell(1, "store", DATA, 42).tell(1, flush, DATA)
    if fence:
        story.tell(1, fence)
    story.tell(1, "store", FLAG, 1).tell(1, "clflush", FLAG)
    return story.tell(2, "load", FLAG, 1, pc=1)


def test_a_message_has_no_defect():
    assert message().tell(2, "load", DATA, 42).kinds() == []
    assert message(flush="clwb", fence="sfence").tell(2, "load", DATA, 42).kinds() == []


def test_a_copy_from_before_the_store_is_stale():
    story = Story().tell(2, "load", DATA, 0)
    story.tell(2, "locked", FLAG, 1, old=0).tell(1, "locked", FLAG, 1, old=1)
    story.tell(1, "store", DATA, 42).tell(1, "clflush", DATA)
    story.tell(1, "locked", FLAG, 2, old=1).tell(2, "locked", FLAG, 2, old=2)
    assert story.tell(2, "load", DATA, 0).kinds() == ["stale read"]


def test_data_written_back_after_the_flag_are_an_unflushed_publication():
    story = Story().tell(2, "load", FLAG, 0, pc=1).tell(2, "clflush", FLAG)
    story.tell(1, "store", DATA, 42).tell(1, "store", FLAG, 1).tell(1, "clflush", FLAG)
    story.tell(2, "load", FLAG, 1, pc=1)
    assert story.tell(2, "load", DATA, 0).kinds() == ["stale read", "unflushed publication"]


@pytest.mark.parametrize("flush", ["clwb", "clflushopt"])
def test_a_write_back_without_a_fence_is_reported(flush):
    assert message(flush=flush).tell(2, "load", DATA, 42).kinds() == ["missing fence"]


def test_a_locked_instruction_is_a_fence_and_a_flag():
    story = Story().tell(1, "store", DATA, 42).tell(1, "clwb", DATA)
    story.tell(1, "locked", FLAG, 1, old=0).tell(2, "locked", FLAG, 1, old=1)
    assert story.tell(2, "load", DATA, 42).kinds() == []


def test_a_non_temporal_store_needs_a_fence():
    story = Story().tell(1, "nt", DATA, 42).tell(1, "store", FLAG, 1).tell(1, "clflush", FLAG)
    story.tell(2, "load", FLAG, 1).tell(2, "load", DATA, 42)
    assert "missing fence" in story.kinds()


def test_unwritten_stores_at_exit_are_reported():
    assert Story().tell(1, "store", DATA, 1).tell(1, "exit").kinds() == ["unflushed at exit"]
    story = Story().tell(1, "store", DATA, 1).tell(1, "clwb", DATA)
    assert story.tell(1, "exit").kinds() == ["missing fence"]
    assert story.tell(1, "clflush", DATA).tell(1, "exit").kinds() == ["missing fence"]


def test_two_writers_in_one_line_lose_an_update():
    story = Story().tell(1, "store", DATA, 1).tell(2, "store", DATA + 8, 2)
    (found,) = story.defects()
    assert found["kind"] == "lost update"
    assert found["bytes"] == [[DATA, 16]]
    assert {found["first"]["node"], found["second"]["node"]} == {1, 2}


def test_bytes_of_one_word_are_independent():
    story = Story().tell(1, "store", DATA, 7, size=1).tell(1, "clflush", DATA)
    story.tell(1, "locked", FLAG, 1, old=0).tell(2, "locked", FLAG, 1, old=1)
    story.tell(2, "load", DATA, 7, size=1).tell(2, "store", DATA + 1, 8, size=1)
    assert story.tell(2, "clflush", DATA).kinds() == []


def test_a_store_and_a_load_without_order_race():
    story = Story().tell(1, "store", DATA, 1).tell(1, "clflush", DATA)
    assert story.tell(2, "load", DATA, 1).kinds() == ["data race"]


def test_a_flag_that_is_polled_races_on_purpose():
    assert message().kinds() == []


def test_a_node_that_was_killed_leaves_nothing():
    story = Story().tell(1, "store", DATA, 1).tell(1, "down", value=1)
    assert story.tell(2, "locked", DATA, 1, old=0).kinds() == []


def test_defects_are_counted():
    story = Story()
    for line in range(5):
        story.tell(1, "store", DATA + 64 * line, 1, pc=5)
    (found,) = story.tell(1, "exit").defects()
    assert found["count"] == 5


def test_notes_are_printed_only_on_request():
    story = Story().tell(1, "load", DATA).tell(1, "clwb", DATA).tell(1, "clwb", DATA)
    assert story.kinds() == []
    notes = ["double flush", "write-back of a clean line"]
    assert set(story.kinds("--notes")) == set(notes)


def test_a_store_across_lines_reports_the_unflushed_line_only():
    story = Story().tell(1, "store", DATA + 60, 5).tell(1, "clflush", DATA)
    (found,) = story.tell(1, "exit").defects()
    assert found["bytes"] == [[DATA + 64, 4]]


def test_many_stores_of_one_word_take_no_room():
    story = Story()
    for number in range(20000):
        story.tell(1, "store", DATA, number, pc=5)
    assert story.tell(1, "clflush", DATA).tell(1, "exit").kinds() == []


def test_another_process_reports_an_end_by_its_number():
    story = Story().tell(1, "process", value=77, old=77).tell(1, "store", DATA, 1)
    assert story.tell(1, "exit", value=77, old=77, space=5).kinds() == ["unflushed at exit"]


def test_a_process_that_runs_another_program_leaves_its_stores():
    story = Story().tell(1, "process", value=77, old=77).tell(1, "store", DATA, 1)
    assert story.tell(1, "process", value=77, old=77, space=5).kinds() == ["unflushed at exit"]


def test_locks_of_the_c_library_at_exit_are_no_fence_of_the_program():
    story = Story().tell(1, "store", DATA, 1).tell(1, "clwb", DATA).tell(1, "pushed", DATA)
    story.tell(1, "locked")
    assert story.tell(1, "exit").kinds() == ["missing fence"]
    story = Story().tell(1, "store", DATA, 1).tell(1, "clwb", DATA).tell(1, "pushed", DATA)
    story.tell(1, "locked").tell(1, "locked", FLAG, 1, old=0)
    assert story.tell(1, "exit").kinds() == []


def certain(story: Story) -> list[tuple[str, bool]]:
    """Return the kind of each defect, and whether the defect is certain."""
    return sorted((found["kind"], not found.get("uncertain", False)) for found in story.defects())


def test_lost_events_are_counted_with_the_first_number():
    story = Story().tell(1, "load", DATA).lose(2).tell(2, "load", DATA).lose().tell(1, "load", DATA)
    assert story.output()[-1] == {"events": 3, "lost": 3, "lost_from": 2}


def test_a_defect_before_a_lost_event_is_certain_and_a_later_defect_is_not():
    story = Story().tell(1, "store", DATA, 1).tell(1, "exit")
    assert certain(story.lose().tell(2, "load", FLAG)) == [("unflushed at exit", True)]
    story = Story().tell(1, "store", DATA, 1).lose().tell(1, "exit")
    assert certain(story) == [("unflushed at exit", False)]


def test_findings_after_a_lost_event_do_not_count():
    story = Story().tell(1, "store", DATA, 1, pc=5).tell(1, "exit").lose()
    (found,) = story.tell(1, "store", DATA, 1, pc=5).tell(1, "exit").defects()
    assert (found["count"], "uncertain" in found) == (1, False)


def test_a_race_of_two_stores_is_certain():
    story = Story().tell(1, "store", DATA, 1).tell(1, "clflush", DATA)
    story.tell(2, "store", DATA, 2).tell(2, "clflush", DATA).lose().tell(1, "load", FLAG)
    assert ("data race", True) in certain(story)


def test_a_race_with_a_load_is_uncertain_for_a_lost_event_may_have_made_the_word_a_flag():
    story = Story().tell(1, "store", DATA, 1).tell(1, "clflush", DATA).tell(2, "load", DATA, 1)
    assert certain(story) == [("data race", True)]
    assert certain(story.lose().tell(1, "load", FLAG)) == [("data race", False)]


def test_an_event_that_comes_too_late_counts_as_lost():
    story = Story().tell(1, "load", DATA).lose().tell(2, "load", DATA)
    late = Story().lose().tell(1, "store", DATA, 1)  # number 2
    story.data += late.data
    assert story.tell(2, "load", DATA).output() == [{"events": 3, "lost": 1, "lost_from": 2}]
