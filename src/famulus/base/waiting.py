# SPDX-License-Identifier: GPL-2.0-or-later
"""Waits with a name and a timeout, and the flag that ends all waits when the user interrupts.

A signal only sets the flag. Work checks the flag where it waits, never between a change and the
registration of its undo.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable

from famulus.base.errors import FamulusError, Interrupted

log = logging.getLogger("famulus")

_interrupted = threading.Event()
_signal = signal.SIGINT


def interrupt(signal_number: int) -> None:
    """End every wait, in every thread, with Interrupted."""
    global _signal  # noqa: PLW0603 - one process is interrupted by one signal
    _signal = signal.Signals(signal_number)
    _interrupted.set()


def forget_interrupt() -> None:
    """Clear the flag, so that waits last again: for cleaning up, and for tests."""
    _interrupted.clear()


def interrupted() -> bool:
    """Return whether the user has interrupted."""
    return _interrupted.is_set()


def check_interrupt() -> None:
    """Raise Interrupted if the user has interrupted."""
    if interrupted():
        raise Interrupted(_signal)


def pause(seconds: float) -> None:
    """Sleep for `seconds`, or raise Interrupted as soon as the user interrupts."""
    if _interrupted.wait(max(seconds, 0)):
        raise Interrupted(_signal)


def wait_until(
    event: str,
    condition: Callable[[], bool],
    *,
    timeout: float,
    interval: float = 0.05,
    hint: str = "",
) -> float:
    """Wait until `condition()` is true and return the seconds it took.

    Raises FamulusError, which names the `event`, after `timeout` seconds, and Interrupted when the
    user interrupts.
    """
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > timeout:
            raise FamulusError(f"waited {timeout:g} s in vain for {event}", hint=hint)
        pause(interval)
    seconds = time.monotonic() - start
    log.debug("waited %.2f s for %s", seconds, event)
    return seconds
