# SPDX-License-Identifier: GPL-2.0-or-later
"""The pool, its members, and the directory of its regions."""

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass

from famulus_guest.closing import Closing
from famulus_guest.native import (
    KEEP,
    READ_ONLY,
    InfoStruct,
    MemberStruct,
    RegionStruct,
    check,
    encoded,
    library,
)
from famulus_guest.region import Region

_MEMBERS = 512
_REGIONS = 1024


@dataclass(frozen=True)
class Member:
    """A living member of the pool. `node` 0 is the host; `joined` is seconds since 1970."""

    id: int
    node: int
    pid: int
    beats: int
    joined: int


@dataclass(frozen=True)
class RegionInfo:
    """An entry of the directory. Sizes and offsets are bytes, `created` is seconds since 1970."""

    name: str
    offset: int
    size: int
    uid: int
    gid: int
    mode: int
    reserved: bool
    created: int


class Pool(Closing):
    """The pool of this node, or of the file `path`. A context manager; close its regions first.

    Raises OSError with the errors of fam_open(). After a fork, the child must open the pool anew.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        handle = ctypes.c_void_p()
        name = None if path is None else os.fsencode(path)
        check(library().fam_open(ctypes.byref(handle), name), f"pool {path or ''}".strip())
        self._handle: ctypes.c_void_p | None = handle

    @property
    def handle(self) -> ctypes.c_void_p:
        """The `struct fam *`. Raises ValueError when the pool is closed."""
        if self._handle is None:
            raise ValueError("the pool is closed")
        return self._handle

    def close(self) -> None:
        """Leave the pool. Locks that are still held become a dead owner's."""
        if self._handle is not None:
            library().fam_close(self._handle)
            self._handle = None

    @property
    def size(self) -> int:
        """Bytes of the pool."""
        return int(library().fam_size(self.handle))

    @property
    def node(self) -> int:
        """The number of this node; 0 is the host."""
        return int(library().fam_node(self.handle))

    @property
    def id(self) -> int:
        """The value in a lock that this member owns."""
        return int(library().fam_id(self.handle))

    @property
    def dead_after(self) -> float:
        """Seconds of silence after which a member counts as dead."""
        return float(library().fam_dead_after(self.handle)) / 1000

    @property
    def has_doorbell(self) -> bool:
        """Whether doorbells end waits."""
        return bool(library().fam_has_doorbell(self.handle))

    def members(self) -> list[Member]:
        """Return the living members."""
        found = (MemberStruct * _MEMBERS)()
        count = check(library().fam_members(self.handle, found, _MEMBERS), "members")
        return [Member(m.id, m.node, m.pid, m.beats, m.joined) for m in found[:count]]

    def node_alive(self, node: int) -> bool:
        """Return whether any member of `node` is alive."""
        return bool(check(library().fam_node_alive(self.handle, node), f"node {node}"))

    def create(self, name: str, size: int, mode: int = 0o660, *, keep: bool = False) -> Region:
        """Make a region of `size` bytes, zeros unless `keep`. Raises FileExistsError, OSError."""
        flags = KEEP if keep else 0
        raw, function = encoded(name), library().fam_region_create
        return self._region(name, lambda out: function(self.handle, raw, size, mode, flags, out))

    def open(self, name: str, *, read_only: bool = False) -> Region:
        """Open a region. Raises FileNotFoundError, PermissionError, OSError."""
        flags = READ_ONLY if read_only else 0
        raw, function = encoded(name), library().fam_region_open
        return self._region(name, lambda out: function(self.handle, raw, flags, out))

    def obtain(self, name: str, size: int, mode: int = 0o660) -> Region:
        """Open a region of at least `size` bytes, or make it."""
        raw, function = encoded(name), library().fam_region_obtain
        return self._region(name, lambda out: function(self.handle, raw, size, mode, out))

    def _region(self, name: str, call: Callable[[object], int]) -> Region:
        out = ctypes.POINTER(RegionStruct)()
        check(call(ctypes.byref(out)), name)
        return Region(self.handle, out)

    def regions(self) -> list[RegionInfo]:
        """Return all regions, reserved ranges among them."""
        found = (InfoStruct * _REGIONS)()
        count = check(library().fam_region_list(self.handle, found, _REGIONS), "regions")
        return [_info(entry) for entry in found[:count]]

    def stat(self, name: str) -> RegionInfo:
        """Return the directory's entry of a region. Raises FileNotFoundError."""
        found = InfoStruct()
        raw = encoded(name)
        check(library().fam_region_stat(self.handle, raw, ctypes.byref(found)), name)
        return _info(found)

    def resize(self, name: str, size: int) -> None:
        """Change a region's size without moving it. Open handles keep the old size."""
        check(library().fam_region_resize(self.handle, encoded(name), size), name)

    def destroy(self, name: str) -> None:
        """Destroy a region. No process may use it any more."""
        check(library().fam_region_destroy(self.handle, encoded(name)), name)

    def reserve(self, name: str, offset: int, size: int, mode: int = 0o660) -> None:
        """Reserve whole pages for programs that do not use regions."""
        raw = encoded(name)
        check(library().fam_region_reserve(self.handle, raw, offset, size, mode), name)

    def repair(self) -> int:
        """Clear the damaged entries of the directory, and return their number."""
        return check(library().fam_directory_repair(self.handle), "directory")


def _info(found: InfoStruct) -> RegionInfo:
    return RegionInfo(
        name=os.fsdecode(found.name),
        offset=found.offset,
        size=found.size,
        uid=found.uid,
        gid=found.gid,
        mode=found.mode,
        reserved=bool(found.kind),
        created=found.created,
    )
