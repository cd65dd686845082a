# SPDX-License-Identifier: GPL-2.0-or-later
"""What an ivshmem server says to its clients. Pure, but for the eventfds that it makes.

The protocol is QEMU's (docs/specs/ivshmem-spec, "Device and guest interface", version 0): messages
of 8 bytes, a signed little-endian number each, some with a file descriptor. A client is told the
version; its own id; -1 with the pool's descriptor; then, for each peer and at last for itself, the
id once a vector, each with the eventfd that rings this vector.

The protocol also has a message that a peer has gone: its id alone. It is not sent. A QEMU 10.0.2
that was told so dies once the same id has come back and goes again (seen; probably it uses the
eventfds that it freed), and ours come back, because an id is a node's number. So a node keeps its
eventfds for as long as the server lives: who was told of them need not be told again.
"""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

VERSION = 0
POOL = -1


class Descriptor(Protocol):
    """What has a file descriptor, which stays open."""

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
    """The clients that are there, the bells of all that ever were, and who was told of which."""

    def __init__(self, pool: Callable[[int], Descriptor], vectors: int) -> None:
        """`pool` returns what client `number` has for the pool."""
        self._pool = pool
        self._vectors = vectors
        self._bells: dict[int, list[Bell]] = {}
        self._told: dict[int, set[int]] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._told

    def join(self, number: int) -> list[Message]:
        """Take in the client `number`, which is not there, and return what is to be sent."""
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
        """Forget the client `number`, if it is there."""
        self._told.pop(number, None)

    def _introduce(self, to: int, number: int) -> list[Message]:
        if number in self._told[to]:
            return []
        self._told[to].add(number)
        return [Message(to, number, bell) for bell in self._bells[number]]
