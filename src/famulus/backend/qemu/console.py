# SPDX-License-Identifier: GPL-2.0-or-later
"""Attach the user's terminal to a machine's serial console, a Unix socket of QEMU."""

import selectors
import socket
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from famulus.base import stdin
from famulus.base.waiting import check_interrupt

LEAVE = b"\x1d"  # Ctrl-], as in telnet and virsh
_BLOCK = 4096


def attach(console: Path) -> bool:
    """Attach the terminal to the socket `console`; tell whether the machine ended.

    Returns False when the user leaves with Ctrl-].
    """
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(str(console))
        with _raw_terminal():
            ended = _relay(connection)
    sys.stderr.write("\r\n")
    return ended


@contextmanager
def _raw_terminal() -> Iterator[None]:
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin, termios.TCSADRAIN)  # keeps the characters that the user typed before
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _relay(connection: socket.socket) -> bool:
    """Pass bytes both ways until the user leaves (False) or the machine ends (True)."""
    with selectors.PollSelector() as selector:  # for epoll, standard input must not be a file
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(connection, selectors.EVENT_READ)
        while True:
            check_interrupt()
            for key, _ in selector.select(0.5):
                if key.fileobj is connection:
                    if not _print(connection.recv(_BLOCK)):
                        return True
                elif not _type(connection, stdin.read(_BLOCK)):
                    return False


def _print(data: bytes) -> bool:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return bool(data)


def _type(connection: socket.socket, data: bytes) -> bool:
    """Send the typed bytes; tell whether the user stays. The end of input leaves too."""
    before, leave, _ = data.partition(LEAVE)
    connection.sendall(before)
    return bool(data) and not leave
