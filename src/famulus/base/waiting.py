# SPDX-License-Identifier: GPL-2.0-or-later
"""Waits with a name and a limit, and the flag that ends them all when the user interrupts.

A signal only sets the flag. Work notices it where it waits, never between making something and
noting that it must be undone.
"""

import contextlib
import logging
import os
import select
import signal
import time
from collections.abc import Callable

from famulus.base.errors import FamulusError, Interrupted

log = logging.getLogger("famulus")

# A pipe that holds a byte once the user has interrupted. A threading.Event has a lock, which the
# main thread may hold when the signal comes to it.
_interrupted, _interrupt = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
_signal = signal.SIGINT


def interrupt(signal_number: int) -> None:
    """End every wait, in every thread, with Interrupted."""
    global _signal  # noqa: PLW0603 - one process is interrupted by one signal
    _signal = signal.Signals(signal_number)
    with contextlib.suppress(BlockingIOError):  # it is full of earlier ones
        os.write(_interrupt, b"x")


def forget_interrupt() -> None:
    """Wait again as if nobody had interrupted: for cleaning up, and for tests."""
    with contextlib.suppress(BlockingIOError):
        while os.read(_interrupted, select.PIPE_BUF):
            pass


def interrupted() -> bool:
    """Tell whether the user has asked to stop."""
    return _interrupted_within(0)


def check_interrupt() -> None:
    """Raise Interrupted if the user has asked to stop."""
    if interrupted():
        raise Interrupted(_signal)


def pause(seconds: float) -> None:
    """Sleep for `seconds`, or raise Interrupted as soon as the user interrupts."""
    if _interrupted_within(seconds):
        raise Interrupted(_signal)


def _interrupted_within(seconds: float) -> bool:
    poll = select.poll()
    poll.register(_interrupted, select.POLLIN)
    return bool(poll.poll(max(seconds, 0) * 1000))


def wait_until(
    what: str,
    condition: Callable[[], bool],
    *,
    timeout: float,
    interval: float = 0.05,
    hint: str = "",
) -> float:
    """Wait until `condition()` is true and return the seconds it took.

    Raises FamulusError naming `what` after `timeout` seconds, Interrupted when the user interrupts.
    """
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > timeout:
            raise FamulusError(f"waited {timeout:g} s in vain for {what}", hint=hint)
        pause(interval)
    seconds = time.monotonic() - start
    log.debug("waited %.2f s for %s", seconds, what)
    return seconds
