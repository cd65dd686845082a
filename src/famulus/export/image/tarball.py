# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a tar of the root file system in a raw image, with all metadata and without a mount."""

import io
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from famulus.export.image.output import check_room, whole
from famulus.export.image.tree import Contents, Entry, attributes, walk

_KINDS = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}
_XATTR = "SCHILY.xattr."  # star(1) has it first; GNU tar, bsdtar and mke2fs read it
_HEADERS = 2048  # bytes: the headers and the padding of most files
_BUFFER = 1 << 16  # bytes
_SECOND = 1_000_000_000  # nanoseconds


def write_tar(disk: Path, tar: Path) -> None:
    """Write the POSIX (pax) tar `tar` of the root file system of the raw image `disk`.

    The tar has owners (as numbers), modes, times to the nanosecond, hard and symbolic links,
    devices, fifos and extended attributes, in the order of the names, so that equal trees make
    equal tars. Sockets are left out, as in every tar, and holes become zeros. After an error `tar`
    is as before. Raises FamulusError if the file system cannot be read, or there is no room.
    """
    entries = [entry for entry in walk(disk) if not stat.S_ISSOCK(entry.inode.mode)]
    check_room(tar.parent, _size(entries))
    extra = attributes(disk, entries)
    with (
        whole(tar) as part,
        tarfile.open(part, "w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive,
        Contents(disk) as contents,
    ):
        first: dict[int, bytes] = {}
        for entry in entries:
            header = _header(entry, extra.get(entry.inode.number, {}), contents)
            _make_link(header, first.setdefault(entry.inode.number, entry.path))
            stream = _Stream(contents.pieces(entry.inode))
            archive.addfile(header, io.BufferedReader(stream, _BUFFER))


def _size(entries: list[Entry]) -> int:
    """Return an estimate of the tar's size in bytes."""
    files = {e.inode.number: e.inode.size for e in entries if stat.S_ISREG(e.inode.mode)}
    return sum(files.values()) + len(entries) * _HEADERS


def _header(entry: Entry, extra: dict[str, bytes], contents: Contents) -> tarfile.TarInfo:
    inode = entry.inode
    header = tarfile.TarInfo(_name(entry.path))
    header.type = _KINDS[stat.S_IFMT(inode.mode)]
    header.mode = stat.S_IMODE(inode.mode)
    header.uid, header.gid = inode.uid, inode.gid
    header.mtime = inode.mtime // _SECOND
    header.devmajor, header.devminor = inode.device
    header.size = inode.size if header.isreg() else 0
    if header.issym():
        header.linkname = _text(inode.target or b"".join(contents.pieces(inode)))
    header.pax_headers = {_XATTR + name: _text(value) for name, value in sorted(extra.items())}
    if inode.mtime % _SECOND:
        header.pax_headers["mtime"] = _seconds(inode.mtime)
    return header


def _make_link(header: tarfile.TarInfo, first: bytes) -> None:
    """Make `header` a hard link to the path `first`, unless `first` is the header's own path."""
    if header.name != _name(first):
        header.type, header.linkname, header.size = tarfile.LNKTYPE, _name(first), 0


def _seconds(nanoseconds: int) -> str:
    """Return `nanoseconds` as pax(1) writes a time; a float would round it."""
    sign = "-" if nanoseconds < 0 else ""
    return f"{sign}{abs(nanoseconds) // _SECOND}.{abs(nanoseconds) % _SECOND:09}"


def _name(path: bytes) -> str:
    return _text(b"./" + path if path else b".")


def _text(data: bytes) -> str:
    """Return `data` as a string that tarfile writes as the same bytes."""
    return data.decode("utf-8", "surrogateescape")


class _Stream(io.RawIOBase):
    """A file object that reads the bytes of `pieces`, from begin to end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return that the file can be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - Buffer, which Python 3.11 has not
        """Fill the begin of `buffer` and return the number of bytes; 0 at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        length = min(len(buffer), len(self._rest))
        buffer[:length], self._rest = self._rest[:length], self._rest[length:]
        return length
