# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things lie, and that nobody else can look into it."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from famulus.base import paths
from famulus.base.errors import FamulusError, UsageError


@pytest.fixture
def uid(monkeypatch):
    """A user of our own, so that /tmp/famulus-<uid> is the test's."""
    number = 3_000_000_000 + os.getpid()
    monkeypatch.setattr(os, "getuid", lambda: number)
    parent = Path(f"/tmp/famulus-{number}")
    yield number
    if parent.is_symlink() or parent.is_file():
        parent.unlink()
    elif parent.is_dir():
        for child in parent.iterdir():
            child.rmdir()
        parent.rmdir()


@pytest.fixture
def own(monkeypatch, uid):
    """Let folders that this process makes belong to that user."""
    real = Path.lstat

    def lstat(path):
        return SimpleNamespace(st_mode=real(path).st_mode, st_uid=uid)

    monkeypatch.setattr(Path, "lstat", lstat)


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path))
    assert paths.home() == tmp_path
    assert paths.fabrics() == tmp_path / "fabrics"
    assert paths.templates() == tmp_path / "templates"
    monkeypatch.setenv("FAMULUS_HOME", "here")
    assert paths.home() == Path.cwd() / "here"
    monkeypatch.setenv("FAMULUS_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert paths.home() == Path("/data/famulus")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert paths.home() == Path("/home/ann/.local/share/famulus")


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "\x7f", os.fsdecode(b"a\xffb"), "a${X}"])
def test_a_home_that_ssh_cannot_read_is_refused_at_once(monkeypatch, tmp_path, name):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / name))
    with pytest.raises(UsageError, match="cannot be the folder of Famulus") as caught:
        paths.fabrics()
    caught.value.brief.encode()


@pytest.mark.parametrize(
    "name", ["50%", "%d", 'a"b', "a\\b", "a b", "ä\N{NO-BREAK SPACE}日", "$X", "'"]
)
def test_a_home_may_have_any_other_character(monkeypatch, tmp_path, name):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / name))
    assert paths.home() == tmp_path / name


def test_a_home_folder_that_nobody_knows_is_an_error_with_its_cure(monkeypatch):
    monkeypatch.setenv("FAMULUS_HOME", "~no-such-user/famulus")
    with pytest.raises(UsageError, match="there is no user no-such-user") as caught:
        paths.home()
    assert "FAMULUS_HOME" in caught.value.hint


def test_a_user_without_home_and_name_is_told_so(monkeypatch):
    for variable in ("FAMULUS_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_000_000_000)
    with pytest.raises(UsageError, match="no home of user id 3000000000 is known"):
        paths.home()


def test_make_private(tmp_path):
    old = os.umask(0)
    try:
        folder = paths.make_private(tmp_path / "a")
    finally:
        os.umask(old)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert paths.make_private(folder) == folder


def test_make_private_where_it_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FamulusError, match="cannot make the folder") as caught:
        paths.make_private(tmp_path / "file" / "sub")
    assert "FAMULUS_HOME" in caught.value.hint


@pytest.mark.usefixtures("own")
def test_sockets_are_short_private_and_found_again():
    deep = Path("/home") / ("x" * 200) / "fabrics" / "fabric"
    folder = paths.socket_folder(deep)
    assert len(str(folder / "fabric64.console")) < 108
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert paths.socket_folder(deep) == folder
    assert paths.socket_folder(deep.with_name("other")) != folder


def test_somebody_elses_folder_is_refused(uid):
    Path(f"/tmp/famulus-{uid}").mkdir(mode=0o700)  # belongs to the test's user, not to `uid`
    with pytest.raises(FamulusError, match="not a private folder of yours"):
        paths.socket_folder(Path("/x"))


@pytest.mark.usefixtures("own")
def test_open_folder_is_refused(uid):
    Path(f"/tmp/famulus-{uid}").mkdir()
    Path(f"/tmp/famulus-{uid}").chmod(0o755)
    with pytest.raises(FamulusError, match="not a private folder of yours"):
        paths.socket_folder(Path("/x"))


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("target", ["/nowhere", "/var"])
def test_symbolic_link_is_refused(uid, target):
    Path(f"/tmp/famulus-{uid}").symlink_to(target)
    with pytest.raises(FamulusError):
        paths.socket_folder(Path("/x"))


@pytest.mark.usefixtures("own")
def test_a_file_in_its_place_is_refused(uid):
    Path(f"/tmp/famulus-{uid}").touch()
    with pytest.raises(FamulusError):
        paths.socket_folder(Path("/x"))
