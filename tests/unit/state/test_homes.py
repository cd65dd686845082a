# SPDX-License-Identifier: GPL-2.0-or-later
"""The disks that lie on an image: of this home, and of homes that share its templates."""

import shutil
from pathlib import Path

import pytest

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.state import homes
from famulus.state.below import Base, note_below
from famulus.state.folder import FabricFolder

T, S = "a" * 16, "b" * 16


def make_node(fabric: str, number: int = 1) -> FabricFolder:
    """Make a node with a disk on T and S; register this home where it shares T."""
    folder = FabricFolder(fabric)
    paths.make_private(folder.node(number))
    paths.make_private(paths.templates() / T)
    homes.register(paths.templates())
    note_below(folder.node(number), Base(T, "1"), Base(S, "2"))
    return folder


@pytest.fixture
def other(famulus_home: Path, tmp_path: Path) -> Path:
    """Another home, whose templates are those of this home."""
    home = tmp_path / "other"
    home.mkdir()
    paths.make_private(famulus_home / "templates")
    (home / "templates").symlink_to(famulus_home / "templates")
    return home


def users() -> list[str]:
    return homes.users("template", paths.templates() / T)


def test_fabrics_are_named_once_and_need_no_record():
    make_node("one", 1)
    make_node("one", 64)
    make_node("two")
    assert homes.fabrics_on("template", paths.templates()) == {T: ["one", "two"]}
    assert homes.fabrics_on("snapshot", paths.snapshots()) == {S: ["one", "two"]}
    assert users() == ["fabric one", "fabric two"]
    assert not (paths.templates() / ".homes").exists()


def test_disks_of_another_home_count(other, monkeypatch, famulus_home):
    make_node("mine")
    monkeypatch.setenv("FAMULUS_HOME", str(other))
    make_node("theirs")
    assert users() == [f"fabric mine of {famulus_home}", "fabric theirs"]
    monkeypatch.setenv("FAMULUS_HOME", str(famulus_home))
    assert users() == ["fabric mine", f"fabric theirs of {other}"]


def test_a_home_without_nodes_is_forgotten(other, monkeypatch, famulus_home):
    monkeypatch.setenv("FAMULUS_HOME", str(other))
    first, second = make_node("one"), make_node("two")
    first.remove()
    assert list((famulus_home / "templates/.homes").iterdir())
    second.remove()
    assert not list((famulus_home / "templates/.homes").iterdir())


def test_a_missing_home_keeps_everything(other, monkeypatch, famulus_home):
    monkeypatch.setenv("FAMULUS_HOME", str(other))
    make_node("theirs")
    monkeypatch.setenv("FAMULUS_HOME", str(famulus_home))
    shutil.move(other, other.with_name("moved"))
    assert users() == [f"a fabric of {other}, which is not there"]
    ((home, note),) = homes.missing(paths.templates()).items()
    assert home == other
    note.unlink()
    assert users() == []


def test_a_note_that_cannot_be_read_is_an_error():
    folder = make_node("mine")
    note = folder.node(1) / "template"
    note.unlink()
    note.mkdir()
    with pytest.raises(FamulusError, match="cannot read"):
        users()


def test_an_empty_note_is_an_error():
    folder = make_node("mine")
    (folder.node(1) / "template").write_text("")
    with pytest.raises(FamulusError, match="the template below the disk is unknown"):
        users()


def test_files_beside_fabrics_do_not_matter():
    make_node("mine")
    (paths.fabrics() / "notes.txt").touch()
    (paths.fabrics() / "mine/node2").touch()
    assert users() == ["fabric mine"]
