# SPDX-License-Identifier: GPL-2.0-or-later
"""Waits of the tests, written so that a busy host makes a test slow and never red.

- A test waits for a state that it can see (a printed line, a file, the state of a node), never
  for a time. The only sleep is the pause between two looks.
- A timeout is minutes. The timeout ends a test that hangs; a test that passes never comes near.
- To act in the middle of something, a test takes `halted_when`: the process stands still while
  the test looks and acts. A sleep that "should be long enough" is too long or too short somewhere.
- Two programs that take turns tell each other where they are, through the pool or a file. Neither
  guesses that the other is asleep by now.
- A measured time is compared with other measured times, or has a lower bound only.
- A failure shows the last output that the test has seen.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

TIMEOUT = 400.0  # seconds: a boot under TCG on a busy host takes a minute


def wait(
    condition: Callable[[], object],
    evidence: Callable[[], object] = lambda: "",
    *,
    timeout: float = TIMEOUT,
    interval: float = 0.1,
) -> None:
    """Wait until `condition()` is true; after `timeout` seconds fail with `evidence()`."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, evidence()
        time.sleep(interval)


def until(process: subprocess.Popen[str], words: str) -> str:
    """Read the output of `process` up to the line that has `words`, and return all of that."""
    assert process.stdout
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    pytest.fail(f"the output ended before '{words}':\n{seen[-3000:]}")


@contextlib.contextmanager
def halted_when(process: subprocess.Popen[str], condition: Callable[[], object]) -> Iterator[None]:
    """Halt the group of `process` at a moment when `condition()` is true, for the block's time.

    The group is halted for each look: when `condition()` is true, nothing has moved on since.
    The test fails if the process ends before.
    """
    deadline = time.monotonic() + TIMEOUT
    while True:
        assert process.poll() is None, f"ended with {process.returncode} before the moment came"
        os.killpg(process.pid, signal.SIGSTOP)
        if condition():
            break
        os.killpg(process.pid, signal.SIGCONT)
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(0.02)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
