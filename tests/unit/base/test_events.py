# SPDX-License-Identifier: GPL-2.0-or-later
"""Events: every step that begins ends, and the log has all of it."""

import logging

import pytest

from famulus.base.events import Events, Sink


class Recorder(Sink):
    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def begin(self, step):
        self.seen.append(("begin", step))

    def detail(self, step, text):
        self.seen.append(("detail", step, text))

    def output(self, step, line):
        self.seen.append(("output", step, line))

    def end(self, step, seconds, failed):
        assert seconds >= 0
        self.seen.append(("end", step, failed))

    def note(self, text):
        self.seen.append(("note", text))


def test_step():
    sink = Recorder()
    with Events(sink).step("build") as step:
        step.detail("half")
        step.output("a line")
    assert sink.seen == [
        ("begin", "build"),
        ("detail", "build", "half"),
        ("output", "build", "a line"),
        ("end", "build", False),
    ]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_step_that_fails_ends(error):
    sink = Recorder()
    with pytest.raises(error), Events(sink).step("build"):
        raise error
    assert sink.seen[-1] == ("end", "build", True)


def test_steps_within_steps():
    sink = Recorder()
    events = Events(sink)
    with events.step("a"), events.step("b"):
        events.note("by the way")
    assert [event[:2] for event in sink.seen] == [
        ("begin", "a"),
        ("begin", "b"),
        ("note", "by the way"),
        ("end", "b"),
        ("end", "a"),
    ]


def test_log_has_it_all_without_a_face(caplog):
    caplog.set_level(logging.DEBUG, "famulus")
    events = Events()
    with events.step("build") as step:
        step.output("a line")
        step.detail("half")
    events.note("by the way")
    for words in ("build: begins", "build | a line", "build: half", "build: done", "by the way"):
        assert words in caplog.text


def test_silent_is_a_sink():
    sink = Sink()
    sink.note("nothing")
