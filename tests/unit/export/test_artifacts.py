# SPDX-License-Identifier: GPL-2.0-or-later
"""The artifacts of `configure`: all of them or none, one run at a time."""

import errno
import os
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.export import earlier
from famulus.export.artifacts import Artifacts, give_to_caller


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path)


def make(artifacts: Artifacts, *numbers: int) -> None:
    for number in numbers:
        artifacts.disk(number).write_text("old")


def fill_up(artifacts: Artifacts) -> None:
    with artifacts.made() as new:
        new.disk(1).write_text("new")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def make_all(artifacts: Artifacts) -> None:
    with artifacts.made() as new:
        new.disk(1).write_text("new")
        new.script.write_text("new")


def test_artifacts_have_the_names_of_2016(artifacts: Artifacts):
    made = (artifacts.disk(3), artifacts.script, artifacts.log, artifacts.template, artifacts.tar)
    assert [path.name for path in made] == [
        "fabric3.qcow2",
        "fabric_emulation.bash",
        "fabric_emulation.log",
        "fabric_template.img",
        "fabric_template.tar",
    ]


def test_disks_are_found_by_number(artifacts: Artifacts, tmp_path: Path):
    make(artifacts, 10, 2)
    for name in ("fabric.qcow2", "fabric01.qcow2", "fabric1.qcow2.bak", "xfabric1.qcow2"):
        (tmp_path / name).touch()
    assert artifacts.disks() == {10: artifacts.disk(10), 2: artifacts.disk(2)}
    assert earlier.left_over(artifacts, 2) == [artifacts.disk(10)]


def test_new_artifacts_replace_the_old_ones_at_the_end(artifacts: Artifacts, tmp_path: Path):
    make(artifacts, 1)
    with artifacts.made() as new:
        make(new, 1, 2)
        new.disk(1).write_text("new")
        assert artifacts.disk(1).read_text() == "old"
    assert artifacts.disk(1).read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fabric1.qcow2", "fabric2.qcow2"]


def test_a_failure_changes_nothing(artifacts: Artifacts, tmp_path: Path):
    make(artifacts, 1)
    with pytest.raises(FamulusError, match="no space left"):
        fill_up(artifacts)
    assert artifacts.disk(1).read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["fabric1.qcow2"]


def test_a_folder_in_the_place_of_a_file_changes_nothing(artifacts: Artifacts):
    make(artifacts, 1)
    artifacts.script.mkdir()
    with pytest.raises(FamulusError, match=r"fabric_emulation\.bash is a folder"):
        make_all(artifacts)
    assert artifacts.disk(1).read_text() == "old"


def test_the_files_of_a_killed_run_are_removed(artifacts: Artifacts):
    artifacts.workshop.mkdir()
    (artifacts.workshop / "work.img").touch()
    with artifacts.made() as new:
        assert list(new.folder.iterdir()) == []


def test_a_second_run_in_the_folder_is_refused(artifacts: Artifacts):
    with (
        artifacts.locked(),
        pytest.raises(FamulusError, match="another `famulus configure`"),
        artifacts.locked(),
    ):
        pass
    with artifacts.locked():
        pass


def test_the_previous_log_is_kept(artifacts: Artifacts, tmp_path: Path):
    artifacts.keep_previous_log()
    artifacts.log.write_text("first")
    artifacts.keep_previous_log()
    assert not artifacts.log.exists()
    assert (tmp_path / "fabric_emulation.log.previous").read_text() == "first"


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(FamulusError, match="there is no folder"):
        Artifacts(tmp_path / "missing").require_folder()


def test_missing_room_is_reported_with_numbers(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(earlier, "free_bytes", lambda _: 1 << 30)
    with pytest.raises(FamulusError, match=r"1\.0 GiB free; 4 nodes and the template take up to"):
        earlier.require_room(artifacts, 4, None)


def test_another_file_is_no_template(artifacts: Artifacts):
    assert not earlier.is_template(artifacts.template)
    artifacts.template.write_bytes(b"no file system" * 1000)
    assert not earlier.is_template(artifacts.template)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_caller_of_sudo_owns_the_artifacts(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
):
    make(artifacts, 1)
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    give_to_caller([artifacts.disk(1), artifacts.disk(2)])
    status = artifacts.disk(1).stat()
    assert (status.st_uid, status.st_gid) == (1234, 1235)
