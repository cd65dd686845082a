# SPDX-License-Identifier: GPL-2.0-or-later
"""A tar of a real file system, as Python and as tar(1) read it."""

import os
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from famulus.base import waiting
from famulus.base.errors import Interrupted
from famulus.base.units import MIB
from famulus.export.image import tarball
from famulus.export.image.output import NoRoom
from famulus.export.image.tarball import write_tar
from tests.unit.export.image import ext4

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
LONG = "long/" * 30 + "x" * 200  # more than the 256 bytes that a plain header has
ODD = [b"with space", b'quo"te', b"back\\slash", b"new\nline", b"\xff\xfe", b"-dash", b"<12>"]
NANOSECONDS = 1_700_000_000_123_456_789


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that can be made without root."""
    folder = tmp_path_factory.mktemp("tar") / "tree"
    (folder / LONG).parent.mkdir(parents=True)
    (folder / LONG).write_text("long")
    for name in ODD:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name * 1000)
    (folder / "b").write_bytes(b"content" * 9999)
    (folder / "a").hardlink_to(folder / "b")
    (folder / LONG).with_name("link").hardlink_to(folder / "b")
    (folder / "fast").symlink_to("b")
    (folder / "slow").symlink_to("/long" * 40)
    (folder / "oddly").symlink_to(os.fsdecode(b"\xff\n"))
    os.mkfifo(folder / "fifo")
    with (folder / "sparse").open("wb") as file:
        file.seek(3 * MIB)
        file.write(b"end")
        file.truncate(5 * MIB)
    (folder / "empty").touch()
    (folder / "sticky").mkdir()
    return folder


@pytest.fixture(scope="module")
def disk(tree: Path) -> Path:
    """The tree, and files that only root can make."""
    disk = ext4.make_disk(tree, tree.with_name("disk.img"), "-b", "4096")
    value = tree.with_name("value")
    value.write_bytes(CAPABILITY)
    ext4.debugfs(
        disk,
        "mknod null c 1 3",
        "set_inode_field null mode 020666",
        "mknod socket p",
        "set_inode_field socket mode 0140755",
        "set_inode_field b mode 0106755",
        "set_inode_field b uid 70000",
        "set_inode_field b gid 4000000000",
        "set_inode_field sticky mode 041777",
        "set_inode_field fast mtime @-5",
        f"set_inode_field empty mtime @{NANOSECONDS // 10**9}",
        f"set_inode_field empty mtime_extra {NANOSECONDS % 10**9 << 2}",
        f"ea_set -f {value} empty security.capability",
        "ea_set empty user.text hello",
    )
    return disk


@pytest.fixture(scope="module")
def tar(disk: Path) -> Path:
    path = disk.with_name("out.tar")
    write_tar(disk, path)
    return path


def members(tar: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(tar) as archive:
        return {member.name: member for member in archive}


def content(tar: Path, name: str) -> bytes:
    with tarfile.open(tar) as archive:
        file = archive.extractfile(name)
        assert file
        return file.read()


def test_a_tar_has_every_name_except_sockets(tree: Path, tar: Path):
    there = {f"./{path.relative_to(tree)}" for path in tree.rglob("*")}
    assert set(members(tar)) == {".", "./null"} | there


def test_a_tar_has_all_kinds(tar: Path):
    found = members(tar)
    assert found["."].isdir()
    assert found["./null"].ischr()
    assert (found["./null"].devmajor, found["./null"].devminor) == (1, 3)
    assert found["./fifo"].isfifo()
    assert found["./fast"].issym()
    assert found["./fast"].linkname == "b"
    assert found["./slow"].linkname == "/long" * 40
    assert os.fsencode(found["./oddly"].linkname) == b"\xff\n"


def test_a_tar_has_owners_modes_and_times(tar: Path):
    found = members(tar)
    assert (found["./a"].uid, found["./a"].gid) == (70000, 4_000_000_000)
    assert found["./a"].mode == 0o6755
    assert found["./sticky"].mode == 0o1777
    assert found["./null"].mode == 0o666
    assert found["./fast"].mtime == -5
    assert found["./empty"].pax_headers["mtime"] == "1700000000.123456789"
    assert not any(member.uname or member.gname for member in found.values())


def test_a_tar_has_the_contents(tree: Path, tar: Path):
    for name in ODD:
        assert content(tar, os.fsdecode(b"./" + name)) == name * 1000
    assert content(tar, f"./{LONG}") == b"long"
    assert content(tar, "./sparse") == (tree / "sparse").read_bytes()
    assert content(tar, "./empty") == b""


def test_the_first_name_has_the_content_and_the_others_are_links(tar: Path):
    found = members(tar)
    assert found["./a"].isreg()
    assert found["./a"].size == 7 * 9999
    links = [member for member in found.values() if member.islnk()]
    assert {member.linkname for member in links} == {"./a"}
    assert len(links) == 2
    assert content(tar, "./b") == b"content" * 9999


def test_a_tar_has_the_attributes(tar: Path):
    headers = members(tar)["./empty"].pax_headers
    assert os.fsencode(headers["SCHILY.xattr.security.capability"]) == CAPABILITY
    assert headers["SCHILY.xattr.user.text"] == "hello"


def test_equal_trees_make_equal_tars(disk: Path, tar: Path, tmp_path: Path):
    write_tar(disk, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == tar.read_bytes()


def extract(tar: Path, folder: Path) -> Path:
    folder.mkdir()
    argv = ["tar", "--extract", "--preserve-permissions", "--xattrs", "--xattrs-include=*"]
    subprocess.run([*argv, "--file", tar, "--directory", folder], check=True, capture_output=True)
    return folder


def facts(root: Path) -> dict[str, tuple[object, ...]]:
    """Return the properties of each file below `root` that a tar must keep."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [root, *root.rglob("*")]:
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        target = str(path.readlink()) if path.is_symlink() else ""
        data = path.read_bytes() if stat.S_ISREG(kind) else b""
        found[str(path.relative_to(root))] = (kind, status.st_nlink, target, data)
    return found


def test_tar_extracts_an_equal_tree(tree: Path, tmp_path: Path):
    disk = ext4.make_disk(tree, tmp_path / "disk.img")
    write_tar(disk, tmp_path / "out.tar")
    assert facts(extract(tmp_path / "out.tar", tmp_path / "out")) == facts(tree)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can extract owners and devices")
def test_root_extracts_owners_devices_and_attributes(tar: Path, tmp_path: Path):
    out = extract(tar, tmp_path / "out")
    assert (out / "null").stat().st_rdev == os.makedev(1, 3)
    status = (out / "b").stat()
    assert (status.st_uid, status.st_gid) == (70000, 4_000_000_000)
    assert stat.S_IMODE(status.st_mode) == 0o6755
    assert (out / "fast").lstat().st_mtime == -5
    assert (out / "empty").stat().st_mtime_ns == NANOSECONDS
    assert os.getxattr(out / "empty", "security.capability") == CAPABILITY
    assert os.getxattr(out / "empty", "user.text") == b"hello"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (1, "0.000000001"),
        (NANOSECONDS, "1700000000.123456789"),
        (-1, "-0.000000001"),
        (-1_500_000_000, "-1.500000000"),
    ],
)
def test_times_are_exact(nanoseconds: int, text: str):
    assert tarball._seconds(nanoseconds) == text


def test_missing_room_is_reported_before_the_first_write(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("famulus.export.image.output.free_bytes", lambda _: MIB)
    there = set(tmp_path.iterdir())
    with pytest.raises(NoRoom, match=r"up to \d\.\d MiB are needed, 1\.0 MiB are free"):
        write_tar(disk, tmp_path / "out.tar")
    assert set(tmp_path.iterdir()) == there


def test_an_interrupt_keeps_the_old_file(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    target = tmp_path / "out.tar"
    target.write_text("old")
    real = tarball._header

    def header(*arguments):
        waiting.interrupt(2)
        return real(*arguments)

    monkeypatch.setattr(tarball, "_header", header)
    with pytest.raises(Interrupted):
        write_tar(disk, target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
