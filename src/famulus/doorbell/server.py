# SPDX-License-Identifier: GPL-2.0-or-later
"""The doorbell server. Each node has its own socket, so that a client's id is its node's number."""

import logging
import selectors
import socket
from collections.abc import Callable, Iterable, Mapping

from famulus.base.errors import FamulusError
from famulus.doorbell.outbox import Outbox
from famulus.doorbell.protocol import Descriptor, Message, Peers

log = logging.getLogger("famulus.doorbell")

_RETRY = 0.02  # seconds


class Server:
    """Serves the clients that connect to `listeners`, by node number."""

    def __init__(
        self,
        pool: Callable[[int], Descriptor],
        vectors: int,
        listeners: Mapping[int, socket.socket],
    ) -> None:
        self._peers = Peers(pool, vectors)
        self._outboxes: dict[int, Outbox] = {}
        self._slow: set[int] = set()
        self._selector = selectors.DefaultSelector()
        for number, listener in listeners.items():
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, (self._accept, number))

    def serve(self) -> None:
        """Serve until the process ends."""
        while True:
            self.step(_RETRY if self._slow else None)

    def step(self, timeout: float | None) -> None:
        """Handle the next events; wait for them for at most `timeout` seconds, or without end."""
        for key, _ in self._selector.select(timeout):
            action, number = key.data
            if (
                self._selector.get_map().get(key.fd) is key
            ):  # no event of this round has dropped the connection
                action(number, key.fileobj)
        self._flush(self._slow)

    def _accept(self, number: int, listener: socket.socket) -> None:
        """Accept the client of node `number` and drop an earlier one, which must have ended."""
        try:
            connection = listener.accept()[0]
        except OSError as error:
            log.warning("node %d: %s", number, error)
            return
        self._drop(number, "another came")
        self._outboxes[number] = Outbox(connection)
        self._selector.register(connection, selectors.EVENT_READ, (self._heard, number))
        log.info("node %d has come", number)
        try:
            messages = self._peers.join(number)
        except (OSError, FamulusError) as error:  # the client was killed, and its image is gone
            self._drop(number, str(error))
            return
        self._send(messages)

    def _heard(self, number: int, connection: socket.socket) -> None:
        """Drop the client: clients never send a message, so that it has ended or is no QEMU."""
        try:
            data = connection.recv(1)
        except OSError as error:
            self._drop(number, str(error))
        else:
            self._drop(number, "the client sent data" if data else "the client ended")

    def _drop(self, number: int, reason: str) -> None:
        outbox = self._outboxes.pop(number, None)
        self._slow.discard(number)
        if outbox is not None:
            log.info("node %d has gone: %s", number, reason)
            self._selector.unregister(outbox.connection)
            outbox.connection.close()
            self._peers.leave(number)

    def _send(self, messages: Iterable[Message]) -> None:
        touched = set()
        for message in messages:
            outbox = self._outboxes.get(message.to)
            if outbox is None:
                continue
            try:
                outbox.put(message)
                touched.add(message.to)
            except OSError as error:
                self._drop(message.to, str(error))
        self._flush(touched)

    def _flush(self, numbers: Iterable[int]) -> None:
        for number in sorted(numbers):
            outbox = self._outboxes.get(number)
            try:
                if outbox is None or outbox.flush():
                    self._slow.discard(number)
                else:
                    self._slow.add(number)
            except OSError as error:
                self._drop(number, str(error))
