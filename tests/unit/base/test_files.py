# SPDX-License-Identifier: GPL-2.0-or-later
"""Private files are written whole, with their mode, or not at all."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from famulus.base.errors import FamulusError
from famulus.base.files import write_private


def test_the_mode_is_exact_under_an_open_umask(tmp_path):
    old = os.umask(0)
    try:
        write_private(tmp_path / "key", b"secret")
        write_private(tmp_path / "script", "x", mode=0o700)
    finally:
        os.umask(old)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "script").stat().st_mode & 0o777 == 0o700


def test_threads_may_write_the_same_file_at_once(tmp_path):
    words = [str(number) * 100_000 for number in range(8)]
    for _ in range(20):
        with ThreadPoolExecutor(len(words)) as threads:
            list(threads.map(lambda word: write_private(tmp_path / "note", word), words))
        assert (tmp_path / "note").read_text() in words
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    write_private(tmp_path / "key", "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.rename", fail)
    with pytest.raises(FamulusError, match=f"cannot write {tmp_path}/key: No space left"):
        write_private(tmp_path / "key", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key").read_text() == "old"
