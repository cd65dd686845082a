# SPDX-License-Identifier: GPL-2.0-or-later
"""No event is lost without a word: the plugin's writer and the analyser, without QEMU."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from famulus.base.units import MIB
from famulus.base.waiting import wait_until
from famulus.checker.analyser import Analyser, AnalyserError
from famulus.checker.rings import reader
from famulus.coherence import caches as module
from famulus.coherence.caches import READER, STREAMS, Caches, Count, Policy
from tests.unit.checker.checker import analyser
from tests.unit.native.plugin import build, famulus_home  # noqa: F401 - overrides the one for each test
from tests.unit.timeouts import TIMEOUT

UNITS = tuple(f"shared/{name}.c" for name in ("shared", "ring", "waits"))
ROOM = 64  # events of a ring
MANY = 20 * ROOM


class Writer:
    """A process that writes the events of a node's CPU."""

    def __init__(self, program: Path, caches: Caches, number: int) -> None:
        caches.attach(number)
        caches.ask(number, STREAMS)
        argv: list[str | Path] = [program, caches.pool, caches.folder, str(number)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True)
        assert self.answer() == "ready"

    def begin(self, verb: str, count: int = 1) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{verb} {count}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def put(self, count: int) -> None:
        self.begin("put", count)
        assert self.answer() == "done"

    def draw(self, end: str) -> None:
        """Draw a number that is not published: the process has stopped or died."""
        self.begin(end)
        assert self.answer() == "drawn"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("rings"), "plugin_rings", *UNITS)


@pytest.fixture
def caches(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RING_EVENTS", ROOM)
    with (tmp_path / "pool").open("wb") as file:
        file.truncate(MIB)
    made = Caches(tmp_path / "pool")
    made.create(MIB, Policy(coherent=True))
    return made


@pytest.fixture
def writer(program, caches) -> Iterator[Callable[[int], Writer]]:
    made: list[Writer] = []

    def start(number: int) -> Writer:
        made.append(Writer(program, caches, number))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.communicate()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def process(caches: Caches) -> int:
    found = reader(caches.stream)
    assert found
    return found


def count(caches: Caches, number: int) -> Count:
    return next(count for count in caches.counts() if count.number == number)


def waits_for(caches: Caches, number: int, whom: int) -> None:
    what = f"node {number} to wait for {whom}"
    wait_until(what, lambda: count(caches, number).waits_for == whom, timeout=TIMEOUT)
    assert count(caches, number).waits >= 1


def total(running: Analyser) -> tuple[int, int, int]:
    """End the analyser; return how many events it saw, how many are lost, and the first of them."""
    (end,) = [line for line in running.finish() if "events" in line]
    return end["events"], end["lost"], end["lost_from"]


def test_a_writer_waits_for_a_reader_that_is_stopped(caches, writer):
    with Analyser(analyser(), caches.stream) as running:
        one = writer(1)
        with stopped(process(caches)):
            one.begin("put", MANY)
            waits_for(caches, 1, READER)
        assert one.answer() == "done"
        assert count(caches, 1).waits_for == 0
        assert total(running) == (MANY, 0, 0)


def test_a_writer_does_not_wait_for_a_reader_that_is_dead(caches, writer):
    with Analyser(analyser(), caches.stream) as running:
        one = writer(1)
        os.kill(process(caches), signal.SIGSTOP)
        one.begin("put", MANY)
        waits_for(caches, 1, READER)
        os.kill(process(caches), signal.SIGKILL)
        assert one.answer() == "done"
        with pytest.raises(AnalyserError):
            running.finish()


def test_a_reader_that_counts_delays_no_writer_and_says_what_is_lost(caches, writer, tmp_path):
    with Analyser(analyser(), caches.stream, ["--trace", str(tmp_path / "t")]) as running:
        one = writer(1)
        with stopped(process(caches)):
            one.put(MANY)
        assert total(running) == (ROOM, MANY - ROOM, ROOM)


@pytest.mark.parametrize("unwatched", [False, True])
def test_the_host_ends_a_wait_and_the_loss_is_noticed(caches, writer, unwatched):
    with Analyser(analyser(), caches.stream) as running:
        one = writer(1)
        with stopped(process(caches)):
            one.begin("put", MANY)
            waits_for(caches, 1, READER)
            if unwatched:
                caches.ask(1, 0)
            else:
                caches.hurry(1, begin=True)
            assert one.answer() == "done"
        assert total(running) == (ROOM, MANY - ROOM, ROOM)


def test_the_reserve_has_room_for_events_that_must_not_wait(caches, writer):
    with Analyser(analyser(), caches.stream) as running:
        one = writer(1)
        with stopped(process(caches)):
            one.put(ROOM - ROOM // 4)
            one.begin("hasty", ROOM // 4)
            assert one.answer() == "done"
        assert total(running) == (ROOM, 0, 0)


def test_a_number_of_a_dead_writer_is_lost(caches, writer):
    with Analyser(analyser(), caches.stream) as running:
        one, other = writer(1), writer(2)
        one.put(3)
        one.draw("die")
        one.process.wait(TIMEOUT)
        other.put(MANY)
        assert total(running) == (3 + MANY, 1, 3)


def test_the_last_number_of_a_dead_writer_is_lost(caches, writer):
    with Analyser(analyser(), caches.stream) as running:
        one = writer(1)
        one.put(3)
        one.draw("die")
        one.process.wait(TIMEOUT)
        assert total(running) == (3, 1, 3)


def test_the_reader_waits_for_a_number_of_a_writer_that_is_stopped(caches, writer):
    with Analyser(analyser(), caches.stream) as running:
        one, other = writer(1), writer(2)
        one.draw("stop")
        other.begin("put", MANY)
        waits_for(caches, 2, 1)
        one.process.send_signal(signal.SIGCONT)
        assert (one.answer(), other.answer()) == ("done", "done")
        assert total(running) == (1 + MANY, 0, 0)


def test_a_new_reader_does_not_see_events_of_the_time_before(caches, writer):
    one = writer(1)
    one.put(MANY)
    with Analyser(analyser(), caches.stream) as running:
        one.put(MANY)
        assert total(running) == (MANY, 0, 0)


def test_an_event_of_a_node_that_died_before_the_reader_began_is_not_missing(caches, writer):
    one = writer(1)
    one.draw("die")
    one.process.wait(TIMEOUT)
    with Analyser(analyser(), caches.stream) as running:
        writer(2).put(3)
        assert total(running) == (3, 0, 0)
