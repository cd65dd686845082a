# SPDX-License-Identifier: GPL-2.0-or-later
"""Folders that tests read: the repository's root, golden files, the corpora."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
CHECKER_CORPUS = ROOT / "tests" / "corpus" / "checker"
LITMUS_CORPUS = ROOT / "tests" / "corpus" / "litmus"


@contextmanager
def folder_for_others() -> Iterator[Path]:
    """Yield a folder that all users may enter. Each start of pytest closes pytest's own folders."""
    with tempfile.TemporaryDirectory(prefix="famulus-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def open_to_others(folder: Path) -> None:
    """Let other users enter `folder`, which is in pytest's temporary folder.

    pytest makes the folders above private. Their number differs: a worker has one more.
    """
    top = Path(tempfile.gettempdir())
    for path in (folder, *folder.parents):
        if path == top or top not in path.parents:
            break
        path.chmod(0o755)
