# SPDX-License-Identifier: GPL-2.0-or-later
"""Small file systems for tests, where the host lets the user mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tmpfs(folder: Path, *options: str) -> Iterator[Path]:
    """Make `folder`, a file system of 1 MiB during the block; skip the test without the right."""
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", ",".join(["size=1m", *options]), "none", str(folder)]
    if os.geteuid() or subprocess.run(argv, check=False, capture_output=True).returncode:
        pytest.skip("the host does not let this user mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
