# SPDX-License-Identifier: GPL-2.0-or-later
"""Receive signals in a thread that does nothing else.

Python runs its signal handlers in the main thread only, and the kernel may deliver a signal to any
thread: to another one, for example, when the process was stopped (Ctrl-Z) and goes on. While the
main thread waits for a lock, such a handler does not run. The descriptor of signal.set_wakeup_fd is
written in whichever thread gets the signal.
"""

import os
import signal
from collections.abc import Callable, Collection
from threading import Thread


def receive(numbers: Collection[signal.Signals], action: Callable[[int], None]) -> None:
    """From now on call `action` for each signal of `numbers`, in a thread of its own.

    The main thread of the process must call `receive`, once.
    """
    arrived, wakeup = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(wakeup, False)
    for number in numbers:
        signal.signal(number, _leave_to_the_thread)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    Thread(target=_call_for_each, args=(arrived, numbers, action), daemon=True).start()


def _leave_to_the_thread(_number: int, _frame: object) -> None:
    """Stand for a handler: without one the signal would end the process."""


def _call_for_each(
    arrived: int, numbers: Collection[signal.Signals], action: Callable[[int], None]
) -> None:
    while byte := os.read(arrived, 1):
        if byte[0] in numbers:
            action(byte[0])
