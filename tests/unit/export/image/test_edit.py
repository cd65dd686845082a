# SPDX-License-Identifier: GPL-2.0-or-later
"""Files are written into an image: the commands, and the files afterwards."""

import time
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.export.image.edit import Present, blank, edit_commands, write_files
from famulus.export.image.inode import Inode
from famulus.export.image.tree import walk
from famulus.transport.agent import GuestFile
from tests.unit.export.image import ext4


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "etc").mkdir(parents=True)
    (folder / "usr" / "lib").mkdir(parents=True)
    (folder / "lib").symlink_to("usr/lib")
    (folder / "etc" / "hosts").write_text("old")
    (folder / "etc" / "blank").write_text("\n")
    (folder / "etc" / "resolv.conf").symlink_to("../run/resolv.conf")
    (folder / "etc" / "other").hardlink_to(folder / "etc" / "hosts")
    return folder


@pytest.fixture
def disk(tree: Path, tmp_path: Path) -> Path:
    return ext4.make_disk(tree, tmp_path / "disk.img")


def inode(disk: Path, path: str) -> Inode:
    return {entry.path: entry.inode for entry in walk(disk)}[path.lstrip("/").encode()]


def test_commands_are_those_of_debugfs():
    files = [GuestFile("/etc/hosts", "x"), GuestFile("/a/b/<1> 2", "y", 0o600, 5, 6)]
    present = Present(frozenset({"/etc"}), {"/etc/hosts": "regular"})
    assert edit_commands(files, ["t/0", "t/1"], present, 1700000000) == [
        'cd "/."',
        'mkdir "a"',
        'set_inode_field "./a" mode 040755',
        'set_inode_field "./a" uid 0',
        'set_inode_field "./a" gid 0',
        'cd "/a/."',
        'mkdir "b"',
        'set_inode_field "./b" mode 040755',
        'set_inode_field "./b" uid 0',
        'set_inode_field "./b" gid 0',
        'cd "/etc/."',
        'rm "./hosts"',
        'write t/0 "hosts"',
        'set_inode_field "./hosts" mode 0100644',
        'set_inode_field "./hosts" uid 0',
        'set_inode_field "./hosts" gid 0',
        'set_inode_field "./hosts" mtime @1700000000',
        'cd "/a/b/."',
        'write t/1 "<1> 2"',
        'set_inode_field "./<1> 2" mode 0100600',
        'set_inode_field "./<1> 2" uid 5',
        'set_inode_field "./<1> 2" gid 6',
        'set_inode_field "./<1> 2" mtime @1700000000',
    ]


def test_a_file_replaces_another(disk: Path):
    now = int(time.time())
    write_files(disk, [GuestFile("/etc/hosts", "new näme\n", 0o640, 12, 34)])
    found = inode(disk, "/etc/hosts")
    assert ext4.cat(disk, "/etc/hosts") == "new näme\n".encode()
    assert (found.mode, found.uid, found.gid, found.links) == (0o100640, 12, 34, 1)
    assert found.mtime // 10**9 in range(now, now + 60)
    assert ext4.cat(disk, "/etc/other") == b"old"  # which was the same file
    assert ext4.problems(disk) == ""


def test_a_link_is_replaced_and_never_followed(disk: Path):
    write_files(disk, [GuestFile("/etc/resolv.conf", "nameserver 10.0.2.3\n")])
    assert inode(disk, "/etc/resolv.conf").mode == 0o100644
    assert ext4.cat(disk, "/etc/resolv.conf") == b"nameserver 10.0.2.3\n"
    assert ext4.problems(disk) == ""


def test_folders_are_made_and_reached_through_links(disk: Path):
    write_files(
        disk,
        [
            GuestFile("/lib/systemd/one", "1"),
            GuestFile("/lib/two", "2"),
            GuestFile("/three", "3"),
        ],
    )
    names = [entry.path for entry in walk(disk)]
    assert b"usr/lib/systemd/one" in names
    assert b"usr/lib/two" in names
    assert b"three" in names
    assert inode(disk, "/lib").mode == 0o120777
    assert inode(disk, "/usr/lib/systemd").mode == 0o040755
    assert ext4.problems(disk) == ""


@pytest.mark.parametrize("name", ["with space", 'quo"te', "<12>", "-p", "back\\slash", "ümlaut"])
def test_odd_names_are_written(disk: Path, name: str):
    write_files(disk, [GuestFile(f"/{name}/{name}", "first")])
    write_files(disk, [GuestFile(f"/{name}/{name}", "second")])
    assert inode(disk, f"/{name}/{name}").size == len("second")
    assert ext4.problems(disk) == ""


def test_the_last_file_of_a_path_counts(disk: Path):
    write_files(disk, [GuestFile("/new", "first"), GuestFile("/new", "last")])
    assert ext4.cat(disk, "/new") == b"last"


def test_an_empty_file_and_no_files_are_written(disk: Path, tmp_path: Path):
    there = set(tmp_path.iterdir())
    write_files(disk, [])
    write_files(disk, [GuestFile("/empty", "")])
    assert inode(disk, "/empty").size == 0
    assert set(tmp_path.iterdir()) == there


@pytest.mark.parametrize(
    "path", ["", "/", "relative", "/a/", "/a//b", "/a/./b", "/a/../b", "/..", "/two\nlines"]
)
def test_a_bad_path_changes_nothing(disk: Path, path: str):
    before = disk.read_bytes()
    with pytest.raises(FamulusError):
        write_files(disk, [GuestFile("/good", "good"), GuestFile(path, "x")])
    assert disk.read_bytes() == before


def test_a_folder_is_not_replaced(disk: Path):
    with pytest.raises(FamulusError, match="/etc is a folder in"):
        write_files(disk, [GuestFile("/etc", "x")])


def test_a_file_in_the_place_of_a_folder_is_refused(disk: Path):
    with pytest.raises(FamulusError, match="cannot write into"):
        write_files(disk, [GuestFile("/etc/hosts/x", "x")])


def test_missing_and_tiny_files_are_blank(disk: Path):
    paths = ["/etc/hosts", "/etc/blank", "/etc/missing", "/missing/too"]
    assert blank(disk, paths) == {"/etc/blank", "/etc/missing", "/missing/too"}
