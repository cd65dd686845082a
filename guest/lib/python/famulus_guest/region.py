# SPDX-License-Identifier: GPL-2.0-or-later
"""A region: its memory, and the primitives and queues in it."""

import ctypes

from famulus_guest.atomic import Word32, Word64
from famulus_guest.closing import Closing
from famulus_guest.native import RegionStruct, check, library
from famulus_guest.queue import Queue
from famulus_guest.sync import Barrier, Event, Mutex, Once, Recover, RwLock, Semaphore

LINE = 64  # bytes


class Region(Closing):
    """A mapped region. Offsets and sizes are bytes. A context manager.

    Each primitive in it (mutex(), queue(), ...) needs lines of its own, and must not be used after
    the region is closed.
    """

    def __init__(self, handle: ctypes.c_void_p, pointer: "ctypes._Pointer[RegionStruct]") -> None:
        self._handle = handle
        self._pointer: ctypes._Pointer[RegionStruct] | None = pointer
        self.name = pointer.contents.name.decode(errors="surrogateescape")
        self.size = int(pointer.contents.size)
        self.offset = int(pointer.contents.offset)  # in the pool

    def close(self) -> None:
        """Unmap the region. It stays in the pool."""
        if self._pointer is not None:
            library().fam_region_close(self._pointer)
            self._pointer = None

    def address(self, offset: int, size: int) -> int:
        """Return the address of a range. Raises ValueError outside the region or after close."""
        if self._pointer is None:
            raise ValueError(f"the region {self.name} is closed")
        if offset < 0 or size < 0 or offset + size > self.size:
            raise ValueError(f"{size} bytes at {offset} leave the region {self.name}")
        return int(self._pointer.contents.base or 0) + offset

    def check(self) -> None:
        """Raise StaleError if the region was destroyed since it was opened."""
        if self._pointer is None:
            raise ValueError(f"the region {self.name} is closed")
        check(library().fam_region_check(self._pointer), self.name)

    def read(self, offset: int, size: int) -> bytes:
        """Invalidate the range, and return its bytes in the pool."""
        address = self.address(offset, size)
        library().fam_invalidate(address, size)
        return ctypes.string_at(address, size)

    def write(self, offset: int, data: bytes) -> None:
        """Store and write back.

        The lines are invalidated first: hardware writes back whole lines, and the other bytes of an
        old copy would undo stores of other nodes.
        """
        address = self.address(offset, len(data))
        library().fam_invalidate(address, len(data))
        ctypes.memmove(address, data, len(data))
        library().fam_writeback(address, len(data))

    def word(self, offset: int) -> Word64:
        """Return the word of 64 bits at `offset`, for locked instructions."""
        return Word64(self.address(offset, 8))

    def word32(self, offset: int) -> Word32:
        """Return the word of 32 bits at `offset`, for locked instructions."""
        return Word32(self.address(offset, 4))

    def mutex(self, offset: int, recover: Recover | None = None) -> Mutex:
        """Return the mutex at `offset`, one line."""
        return Mutex(self._handle, self._lines(offset, 1), recover)

    def rwlock(self, offset: int, recover: Recover | None = None) -> RwLock:
        """Return the reader-writer lock at `offset`, eight lines."""
        return RwLock(self._handle, self._lines(offset, 8), recover)

    def semaphore(self, offset: int) -> Semaphore:
        """Return the semaphore at `offset`, one line."""
        return Semaphore(self._handle, self._lines(offset, 1))

    def barrier(self, offset: int, parties: int) -> Barrier:
        """Return the barrier at `offset`, one line."""
        return Barrier(self._handle, self._lines(offset, 1), parties)

    def once(self, offset: int) -> Once:
        """Return the `Once` at `offset`, one line."""
        return Once(self._handle, self._lines(offset, 1))

    def event(self, offset: int) -> Event:
        """Return the event at `offset`, one line."""
        return Event(self._handle, self._lines(offset, 1))

    def queue(self, offset: int, size: int, capacity: int) -> Queue:
        """Return the queue at `offset`: `capacity` messages of `size` bytes each."""
        address = self.address(offset, Queue.bytes_for(size, capacity))
        return Queue(self._handle, address, size, capacity)

    def _lines(self, offset: int, count: int) -> int:
        if offset % LINE:
            raise ValueError(f"{offset} is not the start of a line of {LINE} bytes")
        return self.address(offset, count * LINE)
