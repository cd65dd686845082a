# SPDX-License-Identifier: GPL-2.0-or-later
"""Standard input, read so that an interrupt ends the read: a signal only sets a flag."""

import os
import select
import sys

from famulus.base.errors import FamulusError
from famulus.base.waiting import check_interrupt

_LOOK = 0.2  # seconds between two looks at the interrupt flag


def is_readable() -> bool:
    """Tell whether standard input may be read: it is open, and no terminal of another job.

    A job in the background that reads from its terminal is stopped.
    """
    try:
        os.read(0, 0)
        return not os.isatty(0) or os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def read(size: int) -> bytes:
    """Wait for standard input, and return up to `size` bytes of it; b"" is its end.

    Raises FamulusError if standard input is closed, and Interrupted if the user interrupts.
    """
    try:
        while not select.select([sys.stdin], [], [], _LOOK)[0]:
            check_interrupt()
        check_interrupt()
        return os.read(sys.stdin.fileno(), size)
    except OSError as error:
        raise FamulusError(f"cannot read standard input: {error.strerror}") from error
