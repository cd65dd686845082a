# SPDX-License-Identifier: GPL-2.0-or-later
"""The place of a build: found unfit before the build, not after a minute of it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.host import building, check
from famulus.host.finding import Finding
from famulus.settings.spec import FabricSpec
from tests.unit.mounts import tmpfs


@pytest.fixture
def is_root(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    def let(answer: bool) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0 if answer else 1000)

    return let


@pytest.fixture
def tmpdir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """Make a folder that all may enter, and let it be TMPDIR."""

    def make(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(mode=0o755)
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        return folder

    return make


@pytest.fixture
def noexec(tmp_path: Path) -> Iterator[Path]:
    """A folder that is mounted noexec. Only root can mount one."""
    with tmpfs(tmp_path / "noexec", "noexec") as folder:
        yield folder


def only() -> Finding:
    (finding,) = building.check_place("error")
    assert finding.level == "error"
    return finding


def test_root_unpacks_in_its_home_and_others_where_all_may_enter(is_root, tmpdir, monkeypatch):
    folder = tmpdir("t")
    is_root(True)
    assert building.unpack_folder() == paths.templates()
    is_root(False)
    assert building.unpack_folder() == folder
    is_root(True)
    monkeypatch.setenv("FAMULUS_HOME", "/srv/a:b")  # apt cannot read that path
    assert building.unpack_folder() == folder


def test_a_place_that_is_mounted_noexec(is_root, monkeypatch, noexec):
    is_root(False)
    monkeypatch.setattr(building, "_no_entry", lambda: None)
    monkeypatch.setattr(tempfile, "tempdir", str(noexec))
    assert "TMPDIR" in only().cure
    is_root(True)
    monkeypatch.setenv("FAMULUS_HOME", str(noexec / "home"))
    assert "mounted noexec" in only().text
    assert "FAMULUS_HOME" in only().cure


def test_a_place_that_a_mapped_user_cannot_enter(is_root, tmpdir, monkeypatch):
    folder = tmpdir("t")
    is_root(False)
    folder.parent.chmod(0o700)
    assert "root cannot enter /tmp/" in only().text
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    assert building.check_place("error") == []


def test_a_place_whose_path_apt_cannot_read(is_root, tmpdir, monkeypatch):
    is_root(False)
    monkeypatch.setattr(building, "_no_entry", lambda: None)
    tmpdir('a"b')
    assert "apt cannot read" in only().text


def test_a_root_who_may_not_mount(is_root, fp):
    is_root(True)
    fp.register([fp.any()], returncode=1, stderr="unshare failed: Operation not permitted")
    finding = only()
    assert "who may not mount (unshare failed: Operation not permitted)" in finding.text
    assert "--cap-add SYS_ADMIN" in finding.cure


def test_a_build_that_cannot_end_does_not_begin(monkeypatch):
    obstacle = Finding("build", "error", "no template can be built here", "Go elsewhere.")
    monkeypatch.setattr(check, "check_place", lambda _level: [obstacle])
    with pytest.raises(FamulusError, match="no template can be built here"):
        check.require_build(FabricSpec())
