# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse the output of debugfs about a file. Pure."""

import re
import stat
from dataclasses import dataclass

from famulus.base.errors import FamulusError

_KINDS = {
    b"regular": stat.S_IFREG,
    b"directory": stat.S_IFDIR,
    b"symlink": stat.S_IFLNK,
    b"character special": stat.S_IFCHR,
    b"block special": stat.S_IFBLK,
    b"FIFO": stat.S_IFIFO,
    b"socket": stat.S_IFSOCK,
}
# Linux, fs/ext4/ext4.h: EXT4_ENCRYPT_FL, EXT4_INLINE_DATA_FL. mke2fs turns neither on by itself.
_UNREADABLE = 0x00000800 | 0x10000000

_HEAD = re.compile(rb"Type: (.+?) +Mode: +(\d+) +Flags: 0x([0-9a-f]+)")
_OWNER = re.compile(rb"^User: +(-?\d+) +Group: +(-?\d+) .*?Size: (\d+)$", re.MULTILINE)
_LINKS = re.compile(rb"^Links: (\d+)", re.MULTILINE)
_TIME = re.compile(rb"^ mtime: 0x([0-9a-f]{8})(?::([0-9a-f]{8}))?", re.MULTILINE)
_DEVICE = re.compile(rb"evice major/minor number: (\d+):(\d+)")
_TARGET = b'\nFast link dest: "'
_ATTRIBUTES = re.compile(rb"^Extended attributes:\n((?:  .*\n)+)", re.MULTILINE)
_ATTRIBUTE = re.compile(rb"^  (.+?) \((\d+)\)(?: = .*)?$", re.MULTILINE)
_BLOCKS = re.compile(rb"^(?:EXTENTS|BLOCKS):\n(.*)", re.MULTILINE)
_RUN = re.compile(rb"\((\d+)(?:-(\d+))?(\[u\])?\):(\d+)")


@dataclass(frozen=True)
class Extent:
    """`count` blocks of a file from block `first` on, which begin at the partition's `block`."""

    first: int
    count: int
    block: int


@dataclass(frozen=True)
class Inode:
    """A file: `mode` with its type, `size` in bytes, `mtime` in nanoseconds since 1970.

    `target` is the target of a short symbolic link; a long target is the link's content. Content
    outside of all extents is zeros. `attributes` are the names of the extended attributes.
    """

    number: int
    mode: int
    uid: int
    gid: int
    size: int
    links: int
    mtime: int
    device: tuple[int, int]
    target: bytes
    attributes: tuple[str, ...]
    extents: tuple[Extent, ...]


def parse_inode(number: int, text: bytes) -> Inode:
    """Return inode `number` from `text`, the output of debugfs' `stat`.

    Raises FamulusError if `text` is other output, or if debugfs cannot read the content.
    """
    text, _, target = text.partition(_TARGET)  # a target may have any characters, also line ends
    head, owner, links = _HEAD.search(text), _OWNER.search(text), _LINKS.search(text)
    if not (head and owner and links and head[1] in _KINDS):
        raise FamulusError(f"debugfs cannot read inode {number}")
    if int(head[3], 16) & _UNREADABLE:
        raise FamulusError(f"inode {number} is encrypted, or its data are in the inode itself")
    return Inode(
        number=number,
        mode=_KINDS[head[1]] | int(head[2], 8),
        uid=_unsigned(owner[1]),
        gid=_unsigned(owner[2]),
        size=int(owner[3]),
        links=int(links[1]),
        mtime=_time(text),
        device=_device(text),
        target=target[: int(owner[3])],
        attributes=_attributes(text),
        extents=_extents(text),
    )


def _unsigned(number: bytes) -> int:
    return int(number) & 0xFFFFFFFF  # debugfs prints owners as signed numbers


def _time(text: bytes) -> int:
    """Return the mtime: 32 bits of signed seconds, two more bits, 30 bits of nanoseconds."""
    found = _TIME.search(text)
    if not found:
        return 0
    seconds, extra = int(found[1], 16), int(found[2] or b"0", 16)
    signed = seconds - (1 << 32 if seconds >> 31 else 0)
    return (signed + ((extra & 3) << 32)) * 1_000_000_000 + (extra >> 2)


def _device(text: bytes) -> tuple[int, int]:
    found = _DEVICE.search(text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _attributes(text: bytes) -> tuple[str, ...]:
    found = _ATTRIBUTES.search(text)
    names = _ATTRIBUTE.findall(found[1]) if found else []
    return tuple(name.decode("utf-8", "surrogateescape") for name, _ in names)


def _extents(text: bytes) -> tuple[Extent, ...]:
    found = _BLOCKS.search(text)
    runs = _RUN.finditer(found[1]) if found else ()
    return tuple(
        Extent(int(run[1]), int(run[2] or run[1]) - int(run[1]) + 1, int(run[4]))
        for run in runs
        if not run[3]  # reserved, but not written: zeros
    )
