# SPDX-License-Identifier: GPL-2.0-or-later
"""A region: its memory, and what can be laid into it."""

import ctypes

from famulus_guest.atomic import Word32, Word64
from famulus_guest.closing import Closing
from famulus_guest.native import RegionStruct, check, library
from famulus_guest.queue import Queue
from famulus_guest.sync import Barrier, Event, Mutex, Once, Recover, RwLock, Semaphore

LINE = 64  # bytes


class Region(Closing):
    """A mapped region. Offsets and sizes are bytes. A context manager.

    What is laid into it by offset (mutex(), queue(), ...) needs lines of its own and must not be
    used when the region is closed.
    """

    def __init__(self, handle: ctypes.c_void_p, pointer: "ctypes._Pointer[RegionStruct]") -> None:
        self._handle = handle
        self._pointer: ctypes._Pointer[RegionStruct] | None = pointer
        self.name = pointer.contents.name.decode(errors="surrogateescape")
        self.size = int(pointer.contents.size)
        self.offset = int(pointer.contents.offset)  # in the pool

    def close(self) -> None:
        """Unmap it. The region stays."""
        if self._pointer is not None:
            library().fam_region_close(self._pointer)
            self._pointer = None

    def address(self, offset: int, size: int) -> int:
        """Return where it is mapped. Raises ValueError if it is closed or the range leaves it."""
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
        """Return what is in the pool, whatever this node held of it."""
        address = self.address(offset, size)
        library().fam_invalidate(address, size)
        return ctypes.string_at(address, size)

    def write(self, offset: int, data: bytes) -> None:
        """Store and write back.

        What this node held of these lines goes first: a line is written back whole on hardware, and
        an old copy's other bytes would undo what others have stored beside them.
        """
        address = self.address(offset, len(data))
        library().fam_invalidate(address, len(data))
        ctypes.memmove(address, data, len(data))
        library().fam_writeback(address, len(data))

    def word(self, offset: int) -> Word64:
        """Return 64 bits that are touched by locked instructions only."""
        return Word64(self.address(offset, 8))

    def word32(self, offset: int) -> Word32:
        """Return 32 bits that are touched by locked instructions only."""
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
        """Return what is done once, at `offset`, one line."""
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
            raise ValueError(f"{offset} is not at the beginning of a line of {LINE} bytes")
        return self.address(offset, count * LINE)
