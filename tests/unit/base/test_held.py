# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that processes hold although their names are gone."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from famulus.base.held import held_by


@pytest.fixture
def holder() -> Iterator[Callable[[Path], int]]:
    """Start a process that has a file open; return its number."""
    started = []

    def start(path: Path) -> int:
        with path.open("r+b") as file:
            process = subprocess.Popen(["sleep", "1000"], pass_fds=[file.fileno()])
        started.append(process)
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"precious")
    return path


def test_file_with_its_name_is_not_held(file, holder):
    assert held_by([holder(file)], file, None) is None


def test_file_without_a_name_is_read_and_written(file, holder):
    pid = holder(file)
    file.unlink()
    held = held_by([pid], file, None)
    assert held
    assert subprocess.check_output(["cat", held.path]) == b"precious"
    held.path.write_bytes(b"changed!")
    again = held_by([pid], file, None)
    assert again
    assert again.path.read_bytes() == b"changed!"


def test_file_outlives_its_holder(file, holder):
    pid = holder(file)
    file.unlink()
    held = held_by([pid], file, None)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert held
    assert held.path.read_bytes() == b"precious"
    assert held_by([pid], file, None) is None


def test_file_whose_name_another_file_has_is_held(file, holder):
    pid = holder(file)
    file.unlink()
    file.write_bytes(b"another")
    held = held_by([pid], file, None)
    assert held
    assert held.path.read_bytes() == b"precious"


def test_file_that_was_renamed_is_found_by_its_inode(file, holder):
    pid, inode = holder(file), file.stat().st_ino
    file.rename(file.with_name("elsewhere"))
    assert held_by([pid], file, None) is None
    held = held_by([pid], file, inode)
    assert held
    assert held.path.read_bytes() == b"precious"


def test_file_behind_a_link_in_its_path_is_found(file, holder, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    pid = holder(file)
    file.unlink()
    assert held_by([pid], tmp_path / "link" / "file", None)


def test_processes_without_the_file_hold_nothing(file, holder, tmp_path):
    other = tmp_path / "other"
    other.touch()
    pid = holder(other)
    file.unlink()
    assert held_by([pid, 0, 1 << 30], file, None) is None
    assert held_by([], file, None) is None
