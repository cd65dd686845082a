# SPDX-License-Identifier: GPL-2.0-or-later
"""A bounded queue of messages of one size, for producers and consumers on any nodes."""

import ctypes

from famulus_guest.native import QueueStruct, check, library, wait

_HEAD = 384  # bytes of struct fam_queue_head
_LINE = 64


class Queue:
    """`capacity` messages of `size` bytes at `address`. All users must pass the same numbers."""

    def __init__(self, handle: ctypes.c_void_p, address: int, size: int, capacity: int) -> None:
        self._queue = QueueStruct()
        self._size = size
        out = ctypes.byref(self._queue)
        check(library().fam_queue_open(handle, address, size, capacity, out), "queue")

    @staticmethod
    def bytes_for(size: int, capacity: int) -> int:
        """Return the size of a queue in bytes."""
        return _HEAD + -(-size // _LINE) * _LINE * capacity

    def push(self, message: bytes, timeout: float | None = None) -> None:
        """Append `message`, padded with zeros. Raises ValueError, TimeoutError."""
        if len(message) > self._size:
            raise ValueError(f"a message of this queue has {self._size} bytes")
        padded, push = message.ljust(self._size, b"\0"), library().fam_queue_push
        wait(lambda limit: push(ctypes.byref(self._queue), padded, limit), timeout, "queue")

    def pop(self, timeout: float | None = None) -> bytes:
        """Take the first message. Raises TimeoutError."""
        message, pop = ctypes.create_string_buffer(self._size), library().fam_queue_pop
        wait(lambda limit: pop(ctypes.byref(self._queue), message, limit), timeout, "queue")
        return message.raw

    def __len__(self) -> int:
        return int(library().fam_queue_length(ctypes.byref(self._queue)))
