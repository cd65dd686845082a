# SPDX-License-Identifier: GPL-2.0-or-later
"""Famulus' own files that go into nodes."""

from collections.abc import Mapping
from pathlib import Path

from famulus.base.paths import source_folder

_SUFFIXES = {".c", ".h", ".pc", ".py", ".sh", ".service", ".socket"}
_NAMES = {"Makefile", "README"}


def guest_folder() -> Path:
    """Return the folder `guest`, see `source_folder`."""
    return source_folder("guest")


def guest_files() -> dict[str, bytes]:
    """Return the contents of every source file below `guest`, by relative name.

    The files of editors, compilers and git are no sources, and do not change the digest.
    """
    root = guest_folder()
    files = (path for path in sorted(root.rglob("*")) if _is_source(path))
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write `files` below `folder`, readable by all: nodes get these modes, so no umask counts."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o644)
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        path.chmod(0o755)


def _is_source(path: Path) -> bool:
    known = path.suffix in _SUFFIXES or path.name in _NAMES
    return known and not path.name.startswith(".") and path.is_file()
