# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus for ctypes: structures, prototypes, and errors as exceptions."""

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache

NAME_BYTES = 256  # FAM_NAME_MAX + 1
READ_ONLY = 1  # FAM_READ_ONLY
KEEP = 2  # FAM_KEEP
SLICE = 0.1  # seconds of a wait in C, during which Python sees no signal


class OwnerDeadError(OSError):
    """The lock's previous owner died: the protected data need repair."""


class StaleError(OSError):
    """The region was destroyed, or the others took this process for dead."""


class RegionStruct(ctypes.Structure):
    """`struct fam_region`."""

    _fields_ = (
        ("base", ctypes.c_void_p),
        ("size", ctypes.c_uint64),
        ("offset", ctypes.c_uint64),
        ("fam", ctypes.c_void_p),
        ("identity", ctypes.c_uint64),
        ("index", ctypes.c_uint32),
        ("name", ctypes.c_char * NAME_BYTES),
    )


class InfoStruct(ctypes.Structure):
    """`struct fam_region_info`."""

    _fields_ = (
        ("offset", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("created", ctypes.c_int64),
        ("uid", ctypes.c_uint32),
        ("gid", ctypes.c_uint32),
        ("mode", ctypes.c_uint32),
        ("kind", ctypes.c_uint32),
        ("name", ctypes.c_char * NAME_BYTES),
    )


class MemberStruct(ctypes.Structure):
    """`struct fam_member`."""

    _fields_ = (
        ("id", ctypes.c_uint64),
        ("beats", ctypes.c_uint64),
        ("node", ctypes.c_int32),
        ("pid", ctypes.c_int32),
        ("joined", ctypes.c_int64),
    )


class QueueStruct(ctypes.Structure):
    """`struct fam_queue`."""

    _fields_ = (
        ("fam", ctypes.c_void_p),
        ("head", ctypes.c_void_p),
        ("size", ctypes.c_uint64),
        ("capacity", ctypes.c_uint64),
    )


_P, _INT, _U32, _U64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.c_uint64
_NAME, _BOOL, _SIZE = ctypes.c_char_p, ctypes.c_bool, ctypes.c_size_t
_PROTOTYPES: dict[str, tuple[object, tuple[object, ...]]] = {
    "fam_open": (_INT, (_P, _NAME)),
    "fam_close": (None, (_P,)),
    "fam_size": (_U64, (_P,)),
    "fam_node": (_INT, (_P,)),
    "fam_id": (_U64, (_P,)),
    "fam_dead_after": (_INT, (_P,)),
    "fam_has_doorbell": (_INT, (_P,)),
    "fam_members": (_INT, (_P, _P, _INT)),
    "fam_node_alive": (_INT, (_P, _INT)),
    "fam_region_create": (_INT, (_P, _NAME, _U64, _U32, _INT, _P)),
    "fam_region_open": (_INT, (_P, _NAME, _INT, _P)),
    "fam_region_obtain": (_INT, (_P, _NAME, _U64, _U32, _P)),
    "fam_region_close": (None, (_P,)),
    "fam_region_check": (_INT, (_P,)),
    "fam_region_resize": (_INT, (_P, _NAME, _U64)),
    "fam_region_destroy": (_INT, (_P, _NAME)),
    "fam_region_reserve": (_INT, (_P, _NAME, _U64, _U64, _U32)),
    "fam_region_list": (_INT, (_P, _P, _INT)),
    "fam_region_stat": (_INT, (_P, _NAME, _P)),
    "fam_directory_repair": (_INT, (_P,)),
    "fam_writeback": (None, (_P, _SIZE)),
    "fam_invalidate": (None, (_P, _SIZE)),
    "fam_flush": (None, (_P, _SIZE)),
    "fam_mutex_lock": (_INT, (_P, _P, _INT)),
    "fam_mutex_consistent": (_INT, (_P, _P)),
    "fam_mutex_unlock": (_INT, (_P, _P)),
    "fam_rwlock_read": (_INT, (_P, _P, _INT)),
    "fam_rwlock_write": (_INT, (_P, _P, _INT)),
    "fam_rwlock_consistent": (_INT, (_P, _P)),
    "fam_rwlock_unlock": (_INT, (_P, _P)),
    "fam_semaphore_post": (_INT, (_P, _P, _U32)),
    "fam_semaphore_wait": (_INT, (_P, _P, _INT)),
    "fam_barrier_arrive": (_INT, (_P, _P, _U32, _P)),
    "fam_barrier_await": (_INT, (_P, _P, _U64, _INT)),
    "fam_barrier_withdraw": (_INT, (_P, _P, _U64)),
    "fam_once_begin": (_INT, (_P, _P, _INT)),
    "fam_once_end": (_INT, (_P, _P, _BOOL)),
    "fam_event_read": (_U64, (_P,)),
    "fam_event_wait": (_INT, (_P, _P, _U64, _INT)),
    "fam_event_notify": (_INT, (_P, _P)),
    "fam_queue_open": (_INT, (_P, _P, _U64, _U64, _P)),
    "fam_queue_push": (_INT, (_P, _P, _INT)),
    "fam_queue_pop": (_INT, (_P, _P, _INT)),
    "fam_queue_length": (_U64, (_P,)),
}


def _declare_atomics(library: ctypes.CDLL, bits: int, word: object) -> None:
    for name in ("add", "and", "or", "xor", "min", "max"):
        function = getattr(library, f"fam_fetch_{name}{bits}")
        function.argtypes, function.restype = (_P, word), word
    swap, load = getattr(library, f"fam_swap{bits}"), getattr(library, f"fam_load{bits}")
    swap.argtypes, swap.restype = (_P, word), word
    load.argtypes, load.restype = (_P,), word
    compare = getattr(library, f"fam_cas{bits}")
    compare.argtypes, compare.restype = (_P, _P, word), _BOOL


@cache
def library() -> ctypes.CDLL:
    """Return libfamulus, loaded once: $FAMULUS_LIBRARY, or the installed library."""
    loaded = ctypes.CDLL(os.environ.get("FAMULUS_LIBRARY", "libfamulus.so.1"))
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(loaded, name)
        function.argtypes, function.restype = arguments, result
    _declare_atomics(loaded, 32, _U32)
    _declare_atomics(loaded, 64, _U64)
    return loaded


def check(result: int, subject: str) -> int:
    """Return `result`; a negative errno raises OSError with `subject` as the file name."""
    if result >= 0:
        return result
    number, text = -result, os.strerror(-result)
    if number == errno.EOWNERDEAD:
        raise OwnerDeadError(number, text, subject)
    if number == errno.ESTALE:
        raise StaleError(number, text, subject)
    raise OSError(number, text, subject)


def encoded(name: str) -> bytes:
    """Return a region's name as bytes for C. Raises ValueError if the name has a NUL."""
    if "\0" in name:
        raise ValueError("a region's name must not contain a NUL")
    return os.fsencode(name)


def wait(call: Callable[[int], int], timeout: float | None, subject: str) -> int:
    """Call `call` with timeouts in milliseconds until it does not time out, or `timeout` is over.

    `timeout` is in seconds; None waits for ever. Python handles signals within a tenth of a second.
    Raises TimeoutError when `timeout` is over, and the exceptions of `check`.
    """
    left = timeout
    while True:
        part = SLICE if left is None else max(0.0, min(left, SLICE))
        result = call(int(part * 1000))
        left = None if left is None else left - SLICE
        if result != -errno.ETIMEDOUT or (left is not None and left <= 0):
            return check(result, subject)
