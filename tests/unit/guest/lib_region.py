# SPDX-License-Identifier: GPL-2.0-or-later
"""The region `r` in which processes of tests die, and offsets in it."""

from famulus_guest import Pool

PAGE = 4096
QUEUE = 2048
MESSAGE = 40


def pool() -> Pool:
    return Pool()


def make_region() -> None:
    with pool() as here:
        here.create("r", 4 * PAGE).close()
        here.create("old", 2 * PAGE).write(0, b"old")
