# SPDX-License-Identifier: GPL-2.0-or-later
"""Locks and other primitives between all nodes. Timeouts are in seconds; None waits for ever.

The primitives do not move data: invalidate protected data after locking and write them back before
unlocking, or use Region.read() and Region.write(), which do so.
"""

import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from famulus_guest.closing import Leaving
from famulus_guest.native import OwnerDeadError, check, library, wait

Recover = Callable[[], None]


class _Primitive:
    """A primitive at `address` in the pool, used by the member `handle`."""

    def __init__(self, handle: ctypes.c_void_p, address: int) -> None:
        self._handle = handle
        self._address = address

    def _wait(self, name: str, timeout: float | None, *more: int) -> int:
        function = getattr(library(), name)
        return wait(
            lambda limit: function(self._handle, self._address, *more, limit), timeout, name
        )

    def _call(self, name: str, *more: object) -> int:
        return check(getattr(library(), name)(self._handle, self._address, *more), name)


class _Owned(_Primitive):
    """A lock with an owner that may die. `recover` repairs the data of a dead owner."""

    prefix: str
    take: str  # the function that locks exclusively

    def __init__(
        self, handle: ctypes.c_void_p, address: int, recover: Recover | None = None
    ) -> None:
        super().__init__(handle, address)
        self._recover = recover

    def lock(self, timeout: float | None = None) -> bool:
        """Lock; return whether the previous owner died: then repair, and call `consistent()`.

        Raises TimeoutError, StaleError.
        """
        try:
            self._wait(f"{self.prefix}_{self.take}", timeout)
        except OwnerDeadError:
            return True
        return False

    def consistent(self) -> None:
        """Declare the protected data repaired."""
        self._call(f"{self.prefix}_consistent")

    def unlock(self) -> None:
        """Unlock. Raises PermissionError if this process is not the owner."""
        self._call(f"{self.prefix}_unlock")

    def _lock_and_mend(self) -> None:
        if not self.lock():
            return
        try:
            if self._recover is None:
                number = errno.EOWNERDEAD
                raise OwnerDeadError(number, os.strerror(number))  # noqa: TRY301 - unlocked below
            self._recover()
        except BaseException:
            self.unlock()
            raise
        self.consistent()


class Mutex(_Owned, Leaving):
    """Mutual exclusion. `with mutex:` locks and, after a dead owner, calls `recover`.

    Without `recover`, the `with` statement raises OwnerDeadError, for the next owner too.
    """

    prefix = "fam_mutex"
    take = "lock"

    def __enter__(self) -> Self:
        self._lock_and_mend()
        return self

    def _leave(self) -> None:
        self.unlock()


class RwLock(_Owned):
    """Many readers or one writer; writers go first."""

    prefix = "fam_rwlock"
    take = "write"

    def lock_read(self, timeout: float | None = None) -> None:
        """Lock for reading. Raises OwnerDeadError if a writer died: the next writer must repair."""
        self._wait("fam_rwlock_read", timeout)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock for reading; after a writer's death, call `recover` first."""
        while True:
            try:
                self.lock_read()
                break
            except OwnerDeadError:
                with self.writing():
                    pass
        try:
            yield
        finally:
            self.unlock()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock for writing, like a mutex."""
        self._lock_and_mend()
        try:
            yield
        finally:
            self.unlock()


class Semaphore(_Primitive):
    """A count without an owner: units that a dead member has taken stay taken."""

    def post(self, count: int = 1) -> None:
        """Add `count` units."""
        self._call("fam_semaphore_post", count)

    def wait(self, timeout: float | None = None) -> None:
        """Take one unit. Raises TimeoutError."""
        self._wait("fam_semaphore_wait", timeout)


class Barrier(_Primitive):
    """A barrier for `parties` callers."""

    def __init__(self, handle: ctypes.c_void_p, address: int, parties: int) -> None:
        super().__init__(handle, address)
        self._parties = parties

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all parties have arrived; return True to the last one.

        Raises TimeoutError. After TimeoutError or an interrupt, the caller has not arrived.
        """
        meeting = ctypes.c_uint64()
        if self._call("fam_barrier_arrive", self._parties, ctypes.byref(meeting)):
            return True
        try:
            self._wait("fam_barrier_await", timeout, meeting.value)
        except BaseException as error:
            gone = self._call("fam_barrier_withdraw", meeting.value)
            if gone or not isinstance(error, TimeoutError):
                raise
        return False


class Once(_Primitive):
    """A call that completes once for all nodes."""

    def run(self, what: Callable[[], None], timeout: float | None = None) -> None:
        """Call `what` unless a call has completed; a call that raises does not count."""
        if not self._wait("fam_once_begin", timeout):
            return
        done = False
        try:
            what()
            done = True
        finally:
            self._call("fam_once_end", done)


class Event(_Primitive):
    """An event count; see fam_event in sync.h."""

    def read(self) -> int:
        """Return the count."""
        return int(library().fam_event_read(self._address))

    def wait(self, seen: int, timeout: float | None = None) -> None:
        """Wait until the count is not `seen`. Raises TimeoutError."""
        self._wait("fam_event_wait", timeout, seen)

    def notify(self) -> None:
        """Raise the count, and wake all waiters."""
        self._call("fam_event_notify")
