# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals reach a thread of their own, whatever the main thread does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.unit.timeouts import TIMEOUT

# The main thread waits for a lock that nobody releases. Two more threads could get the signal.
PROGRAM = """
import os, signal, threading
from famulus.base import signals

def received(number):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGTERM:
        os._exit(7)

signals.receive((signal.SIGINT, signal.SIGTERM), received)
for _ in range(2):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def program() -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert line(process) == "ready"
        yield process
        process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_each_signal_calls_the_action(program):
    for _ in range(3):
        program.send_signal(signal.SIGINT)
        assert line(program) == "SIGINT"
    program.send_signal(signal.SIGTERM)
    assert line(program) == "SIGTERM"
    assert program.wait(TIMEOUT) == 7


def test_a_signal_of_a_stopped_process_is_received_when_it_goes_on(program):
    for _ in range(10):
        program.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, program.pid, os.WSTOPPED | os.WNOWAIT)
        program.send_signal(signal.SIGINT)
        program.send_signal(signal.SIGCONT)
        assert line(program) == "SIGINT"
