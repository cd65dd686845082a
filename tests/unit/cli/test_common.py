# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts that verbs share."""

from pathlib import Path

import pytest

from famulus.cli.common import settings_here


def test_a_file_of_settings_that_cannot_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings_here() is None
    file = tmp_path / "fabric.toml"
    file.mkdir()
    assert settings_here() == Path("fabric.toml")
    file.rmdir()
    file.symlink_to("gone")
    assert settings_here() == Path("fabric.toml")
