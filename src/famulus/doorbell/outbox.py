# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages to a client that it has not read yet; other clients do not wait for them."""

import array
import errno
import socket
from collections import deque

from famulus.doorbell.protocol import Message

# A client that reads nothing is stopped, or no QEMU. 64 peers with 4 vectors make 256 messages.
_MOST = 1024

# EAGAIN: the client is slow; ETOOMANYREFS: too many descriptors are under way, unix(7).
_LATER = (errno.EAGAIN, errno.ETOOMANYREFS, errno.ENOBUFS, errno.EINTR)


class Outbox:
    """Sends messages in order over `connection`, which becomes non-blocking."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self._waiting: deque[tuple[bytes, Message]] = deque()

    def put(self, message: Message) -> None:
        """Add a message. Raises OSError if the client has left a thousand messages unread."""
        if len(self._waiting) >= _MOST:
            raise OSError(errno.ENOBUFS, "the client reads no messages")
        self._waiting.append((message.encode(), message))

    def flush(self) -> bool:
        """Send as many messages as the client takes now; return whether none is left.

        Raises OSError if the connection fails.
        """
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
        whole = len(data) == len(
            message.encode()
        )  # the rest of a message goes without the descriptor
        sent = self.connection.sendmsg(
            [data],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor.fileno()]))]
            if descriptor and whole
            else [],
        )
        self._waiting.popleft()
        if sent < len(data):
            self._waiting.appendleft((data[sent:], message))
