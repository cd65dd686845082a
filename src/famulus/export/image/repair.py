# SPDX-License-Identifier: GPL-2.0-or-later
"""Bring the file system of a raw image to rest, as a kernel does when it mounts it."""

import tempfile
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.run import run
from famulus.base.sparse import pieces, write_all
from famulus.export.image.debugfs import OFFSET, partition, without_banner

_TIMEOUT = 300.0
_FIXED = 2  # e2fsck(8): what is greater than this was not repaired
# Linux, fs/ext4/ext4.h: where s_feature_incompat is, and its bit EXT4_FEATURE_INCOMPAT_RECOVER.
_INCOMPATIBLE = 1024 + 0x60
_RECOVER = 0x4


def repair(disk: Path) -> None:
    """Replay the journal of the file system of `disk`, and do what a check does unasked.

    Of one that was unmounted nothing changes but what its superblock says of the last check. Raises
    FamulusError if more is broken than can be repaired without a question; `disk` is good for
    nothing then.
    """
    if not _has_journal(disk):
        _check(disk, disk.parent, partition(disk))
        return
    # When e2fsck has replayed a journal it opens the file anew, and forgets where it is to look.
    with tempfile.TemporaryDirectory(prefix="famulus-repair-", dir=disk.parent) as folder:
        part = Path(folder, "partition")
        _copy(disk, OFFSET, part, 0)
        _check(disk, part.parent, part.name)
        _copy(part, 0, disk, OFFSET)


def _has_journal(disk: Path) -> bool:
    """Tell whether there is something in the journal that is not in its place yet."""
    with disk.open("rb") as file:
        file.seek(OFFSET + _INCOMPATIBLE)
        return bool(int.from_bytes(file.read(4), "little") & _RECOVER)


def _check(disk: Path, folder: Path, name: str) -> None:
    said = run(["e2fsck", "-p", name], check=False, timeout=_TIMEOUT, cwd=folder)
    if said.returncode > _FIXED:
        raise FamulusError(
            f"the file system in {disk} is damaged",
            details=said.stdout + without_banner(said.stderr),
            hint="Start the node once: it checks its disk when it boots.",
        )


def _copy(source: Path, begin: int, target: Path, to: int) -> None:
    """Copy what no hole covers of `source`, from `begin` on, to where `to` is in `target`."""
    target.touch()
    with source.open("rb") as read, target.open("r+b") as write:
        end = source.stat().st_size
        write.truncate(max(target.stat().st_size, end - begin + to))
        for piece in pieces(read.fileno(), begin, end):
            if piece.data is not None:
                write_all(write.fileno(), piece.data, piece.offset - begin + to)
