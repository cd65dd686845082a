# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages of an ivshmem server to its clients. Pure, except that eventfds are made.

The protocol is QEMU's (docs/specs/ivshmem-spec, "Device and guest interface", version 0). A message
has 8 bytes, a signed little-endian number, and some messages have a file descriptor. A client gets
the version; its own id; -1 with the pool's descriptor; then, for each peer and at last for itself,
the id once for each vector, with the eventfd that rings the vector.

The protocol also has a message that a peer has gone: the peer's id alone. Famulus does not send
that message. A QEMU 10.0.2 that got the message dies when the same id has come back and goes again
(observed; probably QEMU uses the eventfds that it freed), and ids come back, because an id is a
node's number. So a node keeps its eventfds for as long as the server lives, and a client gets them
only once.
"""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

VERSION = 0
POOL = -1


class Descriptor(Protocol):
    """An object with a file descriptor that stays open."""

    def fileno(self) -> int:
        """Return the descriptor."""


class Bell:
    """An eventfd (eventfd(2)), never closed."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd


@dataclass(frozen=True)
class Message:
    """A message to the client with the id `to`."""

    to: int
    value: int
    descriptor: Descriptor | None = None

    def encode(self) -> bytes:
        """Return the 8 bytes of the message."""
        return struct.pack("<q", self.value)


class Peers:
    """The connected clients, all bells so far, and the bells that each client has got."""

    def __init__(self, pool: Callable[[int], Descriptor], vectors: int) -> None:
        """`pool` returns the memory of client `number`: the pool, or an image of the pool."""
        self._pool = pool
        self._vectors = vectors
        self._bells: dict[int, list[Bell]] = {}
        self._told: dict[int, set[int]] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._told

    def join(self, number: int) -> list[Message]:
        """Add the client `number`, which is not connected, and return the messages to send."""
        self._told[number] = set()
        if number not in self._bells:
            self._bells[number] = [Bell() for _ in range(self._vectors)]
        others = [peer for peer in self._told if peer != number]
        return [
            Message(number, VERSION),
            Message(number, number),
            Message(number, POOL, self._pool(number)),
            *(message for peer in others for message in self._introduce(peer, number)),
            *(message for peer in others for message in self._introduce(number, peer)),
            *self._introduce(number, number),
        ]

    def leave(self, number: int) -> None:
        """Remove the client `number`, if it is connected."""
        self._told.pop(number, None)

    def _introduce(self, to: int, number: int) -> list[Message]:
        if number in self._told[to]:
            return []
        self._told[to].add(number)
        return [Message(to, number, bell) for bell in self._bells[number]]
