# SPDX-License-Identifier: GPL-2.0-or-later
"""A client's connection: what it has not taken yet waits, and nobody else waits for it."""

import array
import errno
import socket
from collections import deque

from famulus.doorbell.protocol import Message

# A client that takes nothing is stopped, or no client. 64 peers with 4 vectors are 256 messages.
_MOST = 1024

# EAGAIN: it is slow; ETOOMANYREFS: too many descriptors are under way, unix(7).
_LATER = (errno.EAGAIN, errno.ETOOMANYREFS, errno.ENOBUFS, errno.EINTR)


class Outbox:
    """Sends messages over `connection`, which it makes non-blocking, in order."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self._waiting: deque[tuple[bytes, Message]] = deque()

    def put(self, message: Message) -> None:
        """Add a message. Raises OSError if the client has not taken thousands of them."""
        if len(self._waiting) >= _MOST:
            raise OSError(errno.ENOBUFS, "it takes no messages")
        self._waiting.append((message.encode(), message))

    def flush(self) -> bool:
        """Send what the client takes now; return whether that was all. Raises OSError."""
        while self._waiting:
            try:
                self._send_first()
            except OSError as error:
                if error.errno in _LATER:
                    return False
                raise
        return True

    def _send_first(self) -> None:
        data, message = self._waiting[0]
        descriptor = message.descriptor
        whole = len(data) == len(message.encode())  # a rest goes without the descriptor
        sent = self.connection.sendmsg(
            [data],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor.fileno()]))]
            if descriptor and whole
            else [],
        )
        self._waiting.popleft()
        if sent < len(data):
            self._waiting.appendleft((data[sent:], message))
