# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of ours that go into nodes."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def guest_folder() -> Path:
    """Return the folder `guest`: in an installed package, else in the repository."""
    installed = _PACKAGE / "guest"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "guest"


def guest_files() -> dict[str, bytes]:
    """Return every file below `guest` by its relative name."""
    root = guest_folder()
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}
