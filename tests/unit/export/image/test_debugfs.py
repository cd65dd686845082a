# SPDX-License-Identifier: GPL-2.0-or-later
"""debugfs on real file systems: commands, output, errors."""

import os
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.base.units import MIB
from famulus.export.image import debugfs
from tests.unit.export.image import ext4


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "d").mkdir(parents=True)
    (folder / "d" / "file").write_text("content\n")
    return folder


@pytest.fixture
def disk(tree: Path, tmp_path: Path) -> Path:
    return ext4.make_disk(tree, tmp_path / "disk.img")


@pytest.mark.parametrize(
    ("text", "word"),
    [("plain", '"plain"'), ('a "b" c', '"a ""b"" c"'), ("back\\slash", '"back\\slash"')],
)
def test_quote_makes_a_single_word(text, word):
    assert debugfs.quote(text) == word


@pytest.mark.parametrize("text", ["two\nlines", "tab\t", "nul\0", "\udcff"])
def test_unprintable_text_is_refused(text):
    with pytest.raises(FamulusError, match="that no command of debugfs can have"):
        debugfs.quote(text)


@pytest.mark.parametrize(
    "name", ["with space", 'quo"te', "app'", "back\\slash", "umläut", "-dash", "<12>", "#hash"]
)
def test_a_quoted_name_reaches_its_file(disk: Path, tmp_path: Path, name: str):
    (tmp_path / "source").write_text(name)
    debugfs.write(disk, [f"write source {debugfs.quote(name)}"])
    assert debugfs.read(disk, [f"cat {debugfs.quote(f'/{name}')}"]) == [name.encode()]
    assert ext4.problems(disk) == ""


def test_each_command_has_its_output(disk: Path):
    found = debugfs.read(disk, ["cat /d/file", "cat /missing", "no_such_command", "cat /d/file"])
    assert found == [b"content\n", b"", b"", b"content\n"]
    assert debugfs.read(disk, []) == []


def test_no_name_is_taken_for_output(tree: Path, tmp_path: Path):
    """A name may have line ends, and so look like the echo of a command."""
    for name in ("debugfs: pwd\n", "\n[pwd]", "# \n", "debugfs: cat \n"):
        (tree / name).touch()
    disk = ext4.make_disk(tree, tmp_path / "disk.img")
    listed, content = debugfs.read(disk, ["ls -p /", "cat /d/file"])
    assert b"/debugfs: pwd\n/" in listed
    assert content == b"content\n"


def test_names_keep_their_bytes(tree: Path, tmp_path: Path):
    Path(os.fsdecode(os.fsencode(tree) + b"/\xff\xfe")).touch()
    disk = ext4.make_disk(tree, tmp_path / "disk.img")
    assert b"/\xff\xfe/" in debugfs.read(disk, ["ls -p /"])[0]


def test_a_disk_without_a_file_system_is_refused(tmp_path: Path):
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(2 * MIB))
    for commands in ([], ["cat /d/file"]):
        with pytest.raises(FamulusError, match=r"debugfs cannot read all of .*disk\.img") as caught:
            debugfs.read(disk, commands)
        assert "Bad magic number" in caught.value.details
        assert "(1" not in caught.value.details.splitlines()[0]  # not the version
    with pytest.raises(FamulusError, match=r"debugfs cannot write into .*disk\.img"):
        debugfs.write(disk, ["mkdir /x"])


def test_a_failed_command_fails_the_write(disk: Path):
    with pytest.raises(FamulusError, match="cannot write into") as caught:
        debugfs.write(disk, ["mkdir /new", "rm /missing"])
    assert "File not found" in caught.value.details
    assert caught.value.hint == ""


def test_a_full_file_system_is_reported(disk: Path, tmp_path: Path):
    with (tmp_path / "large").open("wb") as file:
        for _ in range(ext4.SIZE // MIB):
            file.write(os.urandom(MIB))
    with pytest.raises(FamulusError, match="cannot write into") as caught:
        debugfs.write(disk, ["write large large"])
    assert caught.value.hint == "The file system in the disk is full."


def test_a_disk_may_have_any_name(tree: Path, tmp_path: Path):
    for name in ("with space.img", "-dash.img", "quo'te\".img"):
        disk = ext4.make_disk(tree, tmp_path / name)
        debugfs.write(disk, ["mkdir /new"])
        assert debugfs.read(disk, ["cat /d/file"]) == [b"content\n"]
    with pytest.raises(FamulusError, match="question mark"):
        debugfs.read(tmp_path / "what?.img", [])


def test_a_missing_debugfs_is_named(disk: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(debugfs, "find_program", lambda _: None)
    with pytest.raises(FamulusError, match="'debugfs' is not installed") as caught:
        debugfs.read(disk, [])
    assert "e2fsprogs" in caught.value.hint
