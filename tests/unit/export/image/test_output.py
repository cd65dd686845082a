# SPDX-License-Identifier: GPL-2.0-or-later
"""Files are whole or not there, and missing room is reported to the user."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError, Interrupted
from famulus.base.run import run
from famulus.base.units import MIB
from famulus.export.image.output import NoRoom, check_room, explained, publish, scratch, whole
from tests.unit.timeouts import TIMEOUT


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(target: Path, error: BaseException | None = None) -> None:
    with whole(target) as part:
        part.write_text("new")
        if error:
            raise error


def test_the_file_is_there_when_the_block_ends(tmp_path: Path):
    target = tmp_path / "file"
    with whole(target) as part:
        part.write_text("new")
        assert names(tmp_path) == [part.name] != ["file"]
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "error", [FamulusError("x"), Interrupted(2), KeyboardInterrupt(), ValueError("x")]
)
def test_a_failure_keeps_the_old_file(tmp_path: Path, error: BaseException):
    target = tmp_path / "file"
    for expected in ([], ["file"]):
        with pytest.raises(type(error)):
            write(target, error)
        assert names(tmp_path) == expected
        target.write_text("old")
    with pytest.raises(type(error)):
        write(target, error)
    assert target.read_text() == "old"


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path):
    with (
        pytest.raises(FamulusError, match=r"cannot write into .*: No such file"),
        whole(tmp_path / "file"),
    ):
        pass


def test_publish_replaces(tmp_path: Path):
    (tmp_path / "part").write_text("new")
    (tmp_path / "file").write_text("old")
    publish(tmp_path / "part", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new"
    assert names(tmp_path) == ["file"]


def test_publish_works_without_file_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "chmod", refuse)
    write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_has_its_cure(tmp_path: Path, number: int):
    with pytest.raises(NoRoom, match=f"^no space left in {tmp_path}$") as caught:
        write(tmp_path / "file", OSError(number, os.strerror(number)))
    assert caught.value.hint == "Free some space, or write to a folder on a larger disk."
    assert names(tmp_path) == []


def test_a_full_disk_is_found_in_the_output_of_a_program(tmp_path: Path):
    with pytest.raises(NoRoom, match="no space left"), explained(tmp_path):
        run(["sh", "-c", "cat /proc/self/stat > /dev/full"], timeout=TIMEOUT)


def test_other_failures_of_programs_are_passed_on(tmp_path: Path):
    with pytest.raises(FamulusError, match="sh failed with exit code 3"), explained(tmp_path):
        run(["sh", "-c", "exit 3"], timeout=TIMEOUT)


def test_another_error_of_the_system_is_named(tmp_path: Path):
    with pytest.raises(FamulusError, match=r"cannot write into .*: Read-only") as caught:
        write(tmp_path / "file", OSError(errno.EROFS, os.strerror(errno.EROFS)))
    assert caught.value.hint == "Write to another folder."


def test_no_room_names_the_users_folder(tmp_path: Path):
    with pytest.raises(NoRoom, match=f"^no space left in {tmp_path}: 1 of 2$"), explained(tmp_path):
        raise NoRoom(tmp_path / "scratch", ": 1 of 2")


def test_check_room_reports_need_and_free_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("famulus.export.image.output.free_bytes", lambda _: 2 * MIB)
    check_room(tmp_path, 2 * MIB)
    with pytest.raises(NoRoom, match=r"up to 3\.0 MiB are needed, 2\.0 MiB are free"):
        check_room(tmp_path, 3 * MIB)


def test_scratch_is_private_and_removed(tmp_path: Path):
    with scratch(tmp_path) as folder:
        (folder / "file").touch()
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
    assert names(tmp_path) == []
    with pytest.raises(Interrupted), scratch(tmp_path):
        raise Interrupted(2)
    assert names(tmp_path) == []


LEAVER = """
import os, sys
from pathlib import Path
from famulus.image.output import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "half").touch()
    os.kill(os.getpid(), 9)
"""


def test_scratch_removes_the_folders_of_killed_processes_only(tmp_path: Path):
    (tmp_path / "file").touch()
    subprocess.run([sys.executable, "-c", LEAVER, tmp_path], check=False)
    with scratch(tmp_path) as first:
        assert names(tmp_path) == sorted(["file", first.name])
        (first / "in use").touch()
        with scratch(tmp_path) as second:
            assert names(tmp_path) == sorted(["file", first.name, second.name])
            with scratch(tmp_path):
                assert second.exists()
    assert names(tmp_path) == ["file"]


def test_a_full_disk_is_reported(small_disk: Path):
    target = small_disk / "file"
    with pytest.raises(NoRoom, match=f"^no space left in {small_disk}$"), whole(target) as part:
        part.write_bytes(bytes(2 * MIB))
    assert names(small_disk) == []
