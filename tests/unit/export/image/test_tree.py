# SPDX-License-Identifier: GPL-2.0-or-later
"""The tree of a real file system: names, inodes, contents, extended attributes."""

import os
import random
import stat
from pathlib import Path

import pytest

from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.base.units import KIB, MIB
from famulus.export.image import debugfs
from famulus.export.image.tree import Contents, Entry, attributes, walk
from tests.unit.export.image import ext4

ODD = [
    b"with space",
    b'quo"te',
    b"app'",
    b"back\\slash",
    b"new\nline",
    b"tab\t",
    b"trailing ",
    b"\xff\xfe",
    b"\x01\x7f",
    b"-dash",
    b"<12>",
    b"~",
    b"uml\xc3\xa4ut",
    b"debugfs: ls -p <2>\n",
    b"x" * 255,
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def image(tree: Path, *options: str) -> Path:
    return ext4.make_disk(tree, tree.with_name("disk.img"), *options)


def by_path(disk: Path) -> dict[bytes, Entry]:
    return {entry.path: entry for entry in walk(disk)}


def content(disk: Path, entry: Entry) -> bytes:
    with Contents(disk) as contents:
        return b"".join(contents.pieces(entry.inode))


def test_an_empty_tree_has_its_root(tree: Path):
    (root,) = walk(image(tree))
    assert root.path == b""
    assert root.inode.number == 2
    assert stat.S_ISDIR(root.inode.mode)


def test_odd_names_are_read(tree: Path):
    for name in ODD:
        path = os.fsencode(tree) + b"/" + name
        Path(os.fsdecode(path)).mkdir()
        Path(os.fsdecode(path + b"/" + name)).write_bytes(name)
    disk = image(tree)
    found = by_path(disk)
    assert set(found) == {b"", *ODD, *(name + b"/" + name for name in ODD)}
    for name in ODD:
        assert content(disk, found[name + b"/" + name]) == name


def test_each_folder_comes_before_its_contents(tree: Path):
    for path in ("a/b/c", "a-b", "a b/x", "B"):
        (tree / path).mkdir(parents=True)
    found = [entry.path for entry in walk(image(tree))]
    assert found == [b"", b"B", b"a", b"a/b", b"a/b/c", b"a b", b"a b/x", b"a-b"]


def test_a_large_folder_is_read(tree: Path):
    for number in range(400):
        (tree / f"a file with a long name, so that the folder has many blocks {number}").touch()
    assert len(walk(image(tree))) == 401


def test_only_the_file_systems_own_folder_is_left_out(tree: Path):
    (tree / "a" / "lost+found").mkdir(parents=True)
    assert set(by_path(image(tree))) == {b"", b"a", b"a/lost+found"}


def test_hard_links_have_one_inode(tree: Path):
    (tree / "one").write_text("x")
    (tree / "two").hardlink_to(tree / "one")
    found = by_path(image(tree))
    assert found[b"one"].inode == found[b"two"].inode
    assert found[b"one"].inode.links == 2


def test_all_kinds_are_read(tree: Path):
    (tree / "fast").symlink_to("target")
    (tree / "slow").symlink_to("/long" * 40)
    os.mkfifo(tree / "fifo")
    disk = image(tree)
    ext4.debugfs(disk, "mknod null c 1 3", "set_inode_field null mode 020666")
    ext4.debugfs(disk, "mknod disk b 1 1", "set_inode_field disk mode 060660")
    number = 70000 & 0xFF | 300 << 8 | (70000 & ~0xFF) << 12  # Linux, new_encode_dev()
    ext4.debugfs(disk, "set_inode_field disk block[0] 0", f"set_inode_field disk block[1] {number}")
    found = by_path(disk)
    assert found[b"null"].inode.mode == stat.S_IFCHR | 0o666
    assert found[b"null"].inode.device == (1, 3)
    assert found[b"disk"].inode.mode == stat.S_IFBLK | 0o660
    assert found[b"disk"].inode.device == (300, 70000)
    assert stat.S_ISFIFO(found[b"fifo"].inode.mode)
    assert found[b"fast"].inode.target == b"target"
    assert found[b"slow"].inode.target == b""
    assert content(disk, found[b"slow"]) == b"/long" * 40


def test_times_are_read(tree: Path):
    for name in ("early", "exact"):
        (tree / name).touch()
    disk = image(tree)
    ext4.debugfs(disk, "set_inode_field early mtime @-5")
    ext4.debugfs(disk, "set_inode_field exact mtime @1700000000")
    ext4.debugfs(disk, f"set_inode_field exact mtime_extra {123456789 << 2}")
    found = by_path(disk)
    assert found[b"early"].inode.mtime == -5 * 10**9
    assert found[b"exact"].inode.mtime == 1_700_000_000_123_456_789


def fragments(path: Path) -> bytes:
    """Write a file of many extents, with holes at its begin, within and at its end."""
    with path.open("wb") as file:
        for block in range(3, 4000, 7):
            file.seek(block * KIB)
            file.write(bytes([block % 256]) * KIB)
        file.truncate(5 * MIB + 17)
    return path.read_bytes()


@pytest.mark.parametrize(
    "options",
    [("-b", "1024"), ("-b", "4096"), ("-b", "1024", "-O", "^extent,^64bit")],
    ids=["small blocks", "large blocks", "without extents"],
)
def test_contents_are_read(tree: Path, options: tuple[str, ...]):
    dense = random.Random(1).randbytes(3 * MIB + 5)
    (tree / "dense").write_bytes(dense)
    (tree / "empty").touch()
    (tree / "small").write_bytes(b"x")
    sparse = fragments(tree / "sparse")
    with (tree / "hole").open("wb") as file:
        file.truncate(3 * MIB)
    disk = image(tree, *options)
    found = by_path(disk)
    assert content(disk, found[b"dense"]) == dense
    assert content(disk, found[b"empty"]) == b""
    assert content(disk, found[b"small"]) == b"x"
    assert content(disk, found[b"sparse"]) == sparse
    assert content(disk, found[b"hole"]) == bytes(3 * MIB)


def test_reserved_blocks_are_zeros(tree: Path):
    (tree / "file").write_bytes(b"x" * 4096)
    disk = image(tree, "-b", "4096")
    ext4.debugfs(disk, "fallocate /file 1 99", f"set_inode_field /file size {400 * KIB}")
    entry = by_path(disk)[b"file"]
    block = int(ext4.debugfs(disk, "bmap /file 50").split()[0])
    with disk.open("r+b") as file:  # a removed file of another user
        file.seek(debugfs.OFFSET + block * 4096)
        file.write(b"secret" * 100)
    assert content(disk, entry) == b"x" * 4096 + bytes(99 * 4096)


def test_pieces_are_small_and_can_be_interrupted(tree: Path):
    (tree / "file").write_bytes(b"x" * (2 * MIB + 1))
    with (tree / "hole").open("wb") as file:
        file.truncate(3 * MIB)
    disk = image(tree)
    found = by_path(disk)
    for name in (b"file", b"hole"):
        with Contents(disk) as contents:
            pieces = contents.pieces(found[name].inode)
            assert len(next(pieces)) <= MIB
            waiting.interrupt(2)
            with pytest.raises(Interrupted):
                next(pieces)
        waiting.forget_interrupt()


def test_attributes_are_read(tree: Path, tmp_path: Path):
    (tree / "file").touch()
    (tree / "none").touch()
    disk = image(tree, "-b", "4096")
    wanted = {
        "user.text": b"hello",
        "user.quoted": b'he said "x" (3) = y',
        "user.empty": b"",
        "user.binary": bytes(range(256)),
        "user.large": b"z" * 3000,
        "security.capability": bytes.fromhex("0100000200200000000000000000000000000000"),
        "trusted.x": b"\n",
    }
    for name, value in wanted.items():
        (tmp_path / "value").write_bytes(value)
        ext4.debugfs(disk, f"ea_set -f {tmp_path / 'value'} /file {name}")
    entries = walk(disk)
    file = by_path(disk)[b"file"].inode
    assert set(file.attributes) == set(wanted)
    assert attributes(disk, entries) == {file.number: wanted}


def test_an_unreadable_attribute_is_named(tree: Path):
    (tree / "file").touch()
    disk = image(tree)
    ext4.debugfs(disk, 'ea_set /file "user.y (3) = x" 1')
    number = by_path(disk)[b"file"].inode.number
    with pytest.raises(FamulusError, match=f"attribute 'user.y' of inode {number}") as caught:
        attributes(disk, walk(disk))
    assert f"-inum {number}" in caught.value.hint


def test_a_broken_folder_is_named(tree: Path):
    (tree / "a").mkdir()
    (tree / "a" / "b").touch()
    disk = image(tree)
    block = by_path(disk)[b"a"].inode.extents[0].block
    with Contents(disk) as contents, disk.open("r+b") as file:
        file.seek(debugfs.OFFSET + block * contents.block_size)
        file.write(b"\xa5" * contents.block_size)
    with pytest.raises(FamulusError, match="cannot read the folder that is inode"):
        walk(disk)
