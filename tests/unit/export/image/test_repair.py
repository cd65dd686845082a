# SPDX-License-Identifier: GPL-2.0-or-later
"""Repair of a file system: unmounted, of a killed machine, broken."""

from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.export.image.debugfs import OFFSET
from famulus.export.image.repair import repair
from tests.unit.export.image import ext4

BLOCK = 1024  # bytes


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_bytes(b"old " * (BLOCK // 4))
    return ext4.make_disk(tree, tmp_path / "disk.img", "-b", str(BLOCK))


def without_superblock(disk: Path) -> bytes:
    content = disk.read_bytes()
    return content[: OFFSET + 1024] + content[OFFSET + 2048 :]


def features(disk: Path) -> bytes:
    return ext4.debugfs(disk, "features")


def test_an_unmounted_file_system_stays(disk: Path):
    before = without_superblock(disk)
    repair(disk)
    assert without_superblock(disk) == before


def test_the_journal_is_replayed(disk: Path, tmp_path: Path):
    new = tmp_path / "new"
    new.write_bytes(b"new " * (BLOCK // 4))
    begin = b"boot loader".ljust(512, b"\x55")
    with disk.open("r+b") as file:
        file.write(begin)
    ext4.interrupt_write(disk, int(ext4.debugfs(disk, "bmap /file 0")), new)
    assert b"needs_recovery" in features(disk)
    assert ext4.cat(disk, "/file").startswith(b"old ")
    size, blocks = disk.stat().st_size, disk.stat().st_blocks
    there = set(tmp_path.iterdir())

    repair(disk)

    assert ext4.cat(disk, "/file") == new.read_bytes()
    assert b"needs_recovery" not in features(disk)
    assert ext4.problems(disk) == ""
    assert disk.read_bytes()[: len(begin)] == begin
    assert disk.stat().st_size == size
    assert disk.stat().st_blocks < 2 * blocks  # still sparse
    assert set(tmp_path.iterdir()) == there


def test_a_broken_file_system_is_refused(disk: Path):
    with disk.open("r+b") as file:  # the group descriptors, and the inodes behind them
        file.seek(OFFSET + 2 * BLOCK)
        file.write(b"\xa5" * 300 * BLOCK)
    with pytest.raises(FamulusError, match=r"the file system in .*disk\.img is damaged") as caught:
        repair(disk)
    assert "RUN fsck MANUALLY" in caught.value.details
    assert "Start the node" in caught.value.hint


def test_a_disk_without_a_file_system_is_refused(tmp_path: Path):
    disk = tmp_path / "disk.img"
    disk.write_bytes(b"short")
    with pytest.raises(FamulusError, match="is damaged"):
        repair(disk)
