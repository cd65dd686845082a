# SPDX-License-Identifier: GPL-2.0-or-later
"""Fabric memory for Python programs in nodes: libfamulus through ctypes."""

from famulus_guest.atomic import Word32, Word64
from famulus_guest.native import OwnerDeadError, StaleError
from famulus_guest.pool import Member, Pool, RegionInfo
from famulus_guest.queue import Queue
from famulus_guest.region import LINE, Region
from famulus_guest.sync import Barrier, Event, Mutex, Once, RwLock, Semaphore

__all__ = [
    "LINE",
    "Barrier",
    "Event",
    "Member",
    "Mutex",
    "Once",
    "OwnerDeadError",
    "Pool",
    "Queue",
    "Region",
    "RegionInfo",
    "RwLock",
    "Semaphore",
    "StaleError",
    "Word32",
    "Word64",
]
