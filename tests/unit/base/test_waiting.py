# SPDX-License-Identifier: GPL-2.0-or-later
"""Waits have a name and a timeout, and end at once when the user interrupts."""

import signal
import threading

import pytest

from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted

HOUR = 3600.0  # seconds


def test_a_wait_ends_when_the_condition_is_true():
    turns = iter([False, False, True])
    assert waiting.wait_until("x", lambda: next(turns), timeout=HOUR, interval=0.01) > 0
    assert list(turns) == []


def test_a_true_condition_needs_no_wait():
    waiting.interrupt(signal.SIGINT)
    assert waiting.wait_until("x", lambda: True, timeout=0) >= 0


def test_a_timeout_names_the_event():
    with pytest.raises(FamulusError) as caught:
        waiting.wait_until("the moon", lambda: False, timeout=0.1, interval=0.01, hint="Look up.")
    assert caught.value.brief == "waited 0.1 s in vain for the moon"
    assert caught.value.hint == "Look up."


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupt_ends_waits_in_every_thread(number, code):
    codes: list[int] = []

    def wait() -> None:
        try:
            waiting.pause(HOUR)
        except Interrupted as error:
            codes.append(error.exit_code)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    waiting.interrupt(number)
    for thread in threads:
        thread.join(HOUR / 2)
    assert codes == [code] * 3


def test_waits_last_again_after_the_interrupt_is_forgotten():
    waiting.interrupt(signal.SIGINT)
    with pytest.raises(Interrupted):
        waiting.check_interrupt()
    waiting.forget_interrupt()
    waiting.check_interrupt()
    waiting.pause(0)
