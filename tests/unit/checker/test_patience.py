# SPDX-License-Identifier: GPL-2.0-or-later
"""Words about long waits of nodes, without nodes."""

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from famulus.base.events import Events, Sink
from famulus.base.process import is_stopped
from famulus.base.waiting import wait_until
from famulus.checker import patience
from famulus.checker.rings import forget_reader, reader
from famulus.node.node import Node, Wait

TIMEOUT = 300  # seconds, on a busy host


@dataclass(frozen=True)
class FakeNode:
    """A node whose CPU waits."""

    name: str
    wait: Wait | None

    def waits(self) -> Wait | None:
        return self.wait


def nodes(*waits: Wait | None) -> list[Node]:
    made = [FakeNode(f"fabric{number}", wait) for number, wait in enumerate(waits, 1)]
    return cast("list[Node]", made)


@pytest.fixture
def stopped() -> Iterator[int]:
    """A process that a signal has stopped."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]) as process:
        process.send_signal(signal.SIGSTOP)
        wait_until("the stop", lambda: is_stopped(process.pid), timeout=TIMEOUT)
        yield process.pid
        process.kill()


def register(stream: Path, process: int) -> None:
    (stream / "reader.state").write_bytes(struct.pack("<5Q", process << 32 | 256, 1, 0, 0, 0))


def test_the_reader_is_the_process_that_has_registered(tmp_path):
    assert reader(tmp_path) is None
    register(tmp_path, 77)
    assert reader(tmp_path) == 77
    forget_reader(tmp_path)
    assert reader(tmp_path) is None


def test_waits_of_a_few_seconds_are_not_told(tmp_path):
    assert patience.complaint(nodes(None, Wait("the checker", 2)), tmp_path) == ""


def test_long_waits_are_told_by_cause(tmp_path):
    register(tmp_path, os.getpid())
    waits = (Wait("the checker", 9), None, Wait("the checker", 8), Wait("fabric2", 7))
    assert patience.complaint(nodes(*waits), tmp_path) == (
        "fabric4 waits for fabric2: is fabric2's QEMU stopped?; "
        "fabric1, fabric3 wait for the checker: this host is busy"
    )


def test_a_checker_that_is_stopped_is_told_with_the_cure(tmp_path, stopped):
    register(tmp_path, stopped)
    assert f"kill -CONT {stopped}" in patience.complaint(nodes(None), tmp_path)


def test_the_user_is_told_once(tmp_path, monkeypatch):
    class Notes(Sink):
        def __init__(self) -> None:
            self.texts: list[str] = []
            self.looks = 0

        def note(self, text: str) -> None:
            self.texts.append(text)

    notes = Notes()

    def complaint(*_: object) -> str:
        notes.looks += 1
        return "the same"

    monkeypatch.setattr(patience, "_LOOK", 0.01)
    monkeypatch.setattr(patience, "complaint", complaint)
    with patience.told_of_waits([], tmp_path, Events(notes)):
        wait_until("three looks", lambda: notes.looks >= 3, timeout=TIMEOUT)
    assert notes.texts == ["the same"]
