# SPDX-License-Identifier: GPL-2.0-or-later
"""Locks and the like, between all nodes. Times are seconds; None waits for ever.

They do not move data: invalidate what they protect after locking, write it back before unlocking,
or use Region.read() and Region.write(), which do.
"""

import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from famulus_guest.native import OwnerDeadError, check, library, wait

Recover = Callable[[], None]


class _Primitive:
    """Something at `address` in the pool, used by the member `handle`."""

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
    """A lock with an owner that may die. `recover` mends what such a one has left."""

    prefix: str
    take: str  # how it is locked exclusively

    def __init__(
        self, handle: ctypes.c_void_p, address: int, recover: Recover | None = None
    ) -> None:
        super().__init__(handle, address)
        self._recover = recover

    def lock(self, timeout: float | None = None) -> bool:
        """Lock, and return whether a dead owner left it: then mend, and say `consistent()`.

        Raises TimeoutError, StaleError.
        """
        try:
            self._wait(f"{self.prefix}_{self.take}", timeout)
        except OwnerDeadError:
            return True
        return False

    def consistent(self) -> None:
        """Say that what it protects is right again."""
        self._call(f"{self.prefix}_consistent")

    def unlock(self) -> None:
        """Unlock. Raises PermissionError if it is not this process's."""
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


class Mutex(_Owned):
    """Mutual exclusion. `with mutex:` locks and, after a dead owner, calls `recover`.

    Without `recover` that raises OwnerDeadError, and the next one meets the same.
    """

    prefix = "fam_mutex"
    take = "lock"

    def __enter__(self) -> Self:
        self._lock_and_mend()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.unlock()


class RwLock(_Owned):
    """Many readers or one writer; writers come first."""

    prefix = "fam_rwlock"
    take = "write"

    def lock_read(self, timeout: float | None = None) -> None:
        """Lock for reading. Raises OwnerDeadError if a writer died: the write lock mends that."""
        self._wait("fam_rwlock_read", timeout)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold it for reading; what a dead writer has left is mended first if we know how."""
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
        """Hold it for writing, as a mutex is held."""
        self._lock_and_mend()
        try:
            yield
        finally:
            self.unlock()


class Semaphore(_Primitive):
    """A count without an owner: what a dead one has taken stays taken."""

    def post(self, count: int = 1) -> None:
        """Add `count`."""
        self._call("fam_semaphore_post", count)

    def wait(self, timeout: float | None = None) -> None:
        """Take one. Raises TimeoutError."""
        self._wait("fam_semaphore_wait", timeout)


class Barrier(_Primitive):
    """A meeting point of `parties`."""

    def __init__(self, handle: ctypes.c_void_p, address: int, parties: int) -> None:
        super().__init__(handle, address)
        self._parties = parties

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all have come; return True to the last.

        Raises TimeoutError; then, and after an interrupt, one has not come.
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
    """Something that is done once for all nodes."""

    def run(self, what: Callable[[], None], timeout: float | None = None) -> None:
        """Do `what` unless it has been done; if it raises it has not."""
        if not self._wait("fam_once_begin", timeout):
            return
        done = False
        try:
            what()
            done = True
        finally:
            self._call("fam_once_end", done)


class Event(_Primitive):
    """A count that moves on; see fam_event in sync.h."""

    def read(self) -> int:
        """Return where it is."""
        return int(library().fam_event_read(self._address))

    def wait(self, seen: int, timeout: float | None = None) -> None:
        """Wait until it is elsewhere than `seen`. Raises TimeoutError."""
        self._wait("fam_event_wait", timeout, seen)

    def notify(self) -> None:
        """Move it on, and wake who waits."""
        self._call("fam_event_notify")
