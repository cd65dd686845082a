# SPDX-License-Identifier: GPL-2.0-or-later
"""What every unit test stands on: a FAMULUS_HOME of its own, and no interrupt left over."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus import waiting


@pytest.fixture(autouse=True)
def famulus_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests away from the fabrics and settings of whoever runs them."""
    home = tmp_path_factory.mktemp("famulus")
    monkeypatch.setenv("FAMULUS_HOME", str(home))
    monkeypatch.delenv("FAMULUS_FABRIC", raising=False)
    return home


@pytest.fixture(autouse=True)
def no_interrupt() -> Iterator[None]:
    """Forget an interrupt that a test made."""
    yield
    waiting.forget_interrupt()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 1 MiB. Only root can mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() or subprocess.run(argv, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
