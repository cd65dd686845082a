# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the root file system in a raw image: names, inodes, attributes, contents."""

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.waiting import check_interrupt
from famulus.export.image import debugfs
from famulus.export.image.inode import Inode, parse_inode

ROOT = 2  # the inode of the root folder
_LOST = b"lost+found"  # e2fsck's folder and its files are no part of the tree

# A name may have line ends, but no slashes: slashes separate the fields.
_ENTRY = re.compile(rb"/(\d+)/(\d{6})/-?\d+/-?\d+/([^/]*)/\d*/\n")
_FOLDER = b"04"  # how a folder's mode begins, six octal digits
_VALUE = re.compile(rb"\((\d+)\)(?: = ([0-9a-f ]*))?$", re.MULTILINE)

_BLOCK_SIZE = 1024 + 24  # offset of the superblock's field n: the block size is 1024 << n bytes
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A path in the tree, relative to the root; the root's path is empty."""

    path: bytes
    inode: Inode


def walk(disk: Path) -> list[Entry]:
    """Return all entries in the order of their names' bytes, each folder before its contents."""
    names = sorted(_names(disk), key=lambda name: name[0].split(b"/"))
    numbers = sorted({number for _, number in names})
    texts = debugfs.read(disk, [f"stat <{number}>" for number in numbers])
    inodes = {n: parse_inode(n, text) for n, text in zip(numbers, texts, strict=True)}
    return [Entry(path, inodes[number]) for path, number in names]


def attributes(disk: Path, entries: list[Entry]) -> dict[int, dict[str, bytes]]:
    """Return the extended attributes by inode, as getxattr(2) returns them."""
    wanted = sorted({(e.inode.number, name) for e in entries for name in e.inode.attributes})
    commands = [f"ea_get -x <{number}> {debugfs.quote(name)}" for number, name in wanted]
    found: dict[int, dict[str, bytes]] = {}
    for (number, name), text in zip(wanted, debugfs.read(disk, commands), strict=True):
        found.setdefault(number, {})[name] = _value(number, name, text)
    return found


class Contents:
    """The contents of files in the raw image `disk`; a context manager that keeps `disk` open."""

    def __init__(self, disk: Path) -> None:
        self._file = disk.open("rb")
        superblock = os.pread(self._file.fileno(), 4, debugfs.OFFSET + _BLOCK_SIZE)
        self.block_size: int = 1024 << struct.unpack("<I", superblock)[0]

    def __enter__(self) -> "Contents":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield the content of `inode` in pieces of at most 1 MiB. Holes are zeros.

        Raises OSError, and Interrupted between pieces when the user interrupts.
        """
        at = 0
        for extent in sorted(inode.extents, key=lambda extent: extent.first):
            begin = min(extent.first * self.block_size, inode.size)
            end = min(begin + extent.count * self.block_size, inode.size)
            yield from _zeros(begin - at)
            yield from self._data(debugfs.OFFSET + extent.block * self.block_size, end - begin)
            at = end
        yield from _zeros(inode.size - at)

    def _data(self, offset: int, length: int) -> Iterator[bytes]:
        for done in range(0, length, _CHUNK):
            check_interrupt()
            yield os.pread(self._file.fileno(), min(_CHUNK, length - done), offset + done)


def _zeros(length: int) -> Iterator[bytes]:
    for done in range(0, length, _CHUNK):
        check_interrupt()
        yield bytes(min(_CHUNK, length - done))


def _names(disk: Path) -> list[tuple[bytes, int]]:
    """Return every path with its inode's number. A run of debugfs reads all folders of a depth."""
    found = [(b"", ROOT)]
    folders = found
    while folders:
        texts = debugfs.read(disk, [f"ls -p <{number}>" for _, number in folders])
        below = [
            child
            for (path, number), text in zip(folders, texts, strict=True)
            for child in _children(path, number, text)
        ]
        found = [*found, *((path, number) for path, number, _ in below)]
        folders = [(path, number) for path, number, is_folder in below if is_folder]
    return [(path, number) for path, number in found if path.split(b"/")[0] != _LOST]


def _children(folder: bytes, inode: int, text: bytes) -> Iterator[tuple[bytes, int, bool]]:
    """Yield path, inode and whether that is a folder, from the output of `ls -p` for `folder`."""
    entries = _ENTRY.findall(text)
    if not entries or _ENTRY.sub(b"", text).strip():
        raise FamulusError(f"debugfs cannot read the folder that is inode {inode}")
    for number, mode, name in entries:
        if name not in (b".", b".."):
            path = folder + b"/" + name if folder else name
            yield path, int(number), mode.startswith(_FOLDER)


def _value(inode: int, name: str, text: bytes) -> bytes:
    found = _VALUE.search(text)
    value = bytes.fromhex((found[2] or b"").decode("ascii")) if found else b""
    if not found or len(value) != int(found[1]):
        raise FamulusError(
            f"debugfs cannot read the extended attribute {name!r} of inode {inode}",
            hint=f"`find / -xdev -inum {inode}` in the node shows the inode's file.",
        )
    return value
