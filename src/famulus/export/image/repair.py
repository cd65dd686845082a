# SPDX-License-Identifier: GPL-2.0-or-later
"""Repair the file system of a raw image, as a kernel does at a mount."""

import tempfile
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.run import run
from famulus.base.sparse import pieces, write_all
from famulus.export.image.debugfs import OFFSET, partition, without_banner

_TIMEOUT = 300.0  # seconds
_FIXED = 2  # e2fsck(8): greater exit codes mean defects that were not repaired
# Linux, fs/ext4/ext4.h: where s_feature_incompat is, and its bit EXT4_FEATURE_INCOMPAT_RECOVER.
_INCOMPATIBLE = 1024 + 0x60
_RECOVER = 0x4


def repair(disk: Path) -> None:
    """Replay the journal of the file system of `disk`, and make all automatic repairs.

    In an unmounted file system only the superblock's fields about the last check change. Raises
    FamulusError for defects that need a user's decision; `disk` is useless then.
    """
    if not _has_journal(disk):
        _check(disk, disk.parent, partition(disk))
        return
    # After the replay of a journal e2fsck opens the file anew, and forgets the partition's offset.
    with tempfile.TemporaryDirectory(prefix="famulus-repair-", dir=disk.parent) as folder:
        part = Path(folder, "partition")
        _copy(disk, OFFSET, part, 0)
        _check(disk, part.parent, part.name)
        _copy(part, 0, disk, OFFSET)


def _has_journal(disk: Path) -> bool:
    """Return whether the journal has blocks that are not in their places yet."""
    with disk.open("rb") as file:
        file.seek(OFFSET + _INCOMPATIBLE)
        return bool(int.from_bytes(file.read(4), "little") & _RECOVER)


def _check(disk: Path, folder: Path, name: str) -> None:
    result = run(["e2fsck", "-p", name], check=False, timeout=_TIMEOUT, cwd=folder)
    if result.returncode > _FIXED:
        raise FamulusError(
            f"the file system in {disk} is damaged",
            details=result.stdout + without_banner(result.stderr),
            hint="Start the node once: a node that boots checks its disk.",
        )


def _copy(source: Path, begin: int, target: Path, to: int) -> None:
    """Copy the data, not the holes, of `source` from `begin` on to offset `to` of `target`."""
    target.touch()
    with source.open("rb") as read, target.open("r+b") as write:
        end = source.stat().st_size
        write.truncate(max(target.stat().st_size, end - begin + to))
        for piece in pieces(read.fileno(), begin, end):
            if piece.data is not None:
                write_all(write.fileno(), piece.data, piece.offset - begin + to)
