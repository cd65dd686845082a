# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that an export writes: their paths, and whether they may be written."""

import os
from collections.abc import Sequence
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError, UsageError

_CURE = "Choose another with --output."


def find_targets(
    output: Path | None, name: str, suffixes: Sequence[str], *, force: bool
) -> list[Path]:
    """Return a file for each suffix: the first one is `output`, or `name` in the folder `output`.

    Without `output` the folder is the current one. `force` allows existing files. Raises
    FamulusError if a file may not be written, UsageError if the files are not different.
    """
    first = _first_target(output, f"{name}{suffixes[0]}")
    targets = [first, *(first.with_suffix(suffix) for suffix in suffixes[1:])]
    if len(set(targets)) < len(targets):
        raise UsageError(
            f"{first.name} would be both the document and the disk",
            hint=f"Choose a name that ends in {suffixes[0]}.",
        )
    for path in targets:
        _refuse_existing(path, force=force)
    return targets


def _first_target(output: Path | None, name: str) -> Path:
    target = (output or Path(name)).absolute()
    target = target / name if target.is_dir() else target
    _require_writable(target.parent)
    _refuse_own(target.parent)
    return target


def _require_writable(folder: Path) -> None:
    if not folder.is_dir():
        raise FamulusError(
            f"there is no folder {folder}", hint="Make the folder, or choose another with --output."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FamulusError(f"{folder} cannot be written to", hint=_CURE)


def _refuse_own(folder: Path) -> None:
    """Raise UsageError where an exported file could replace a file that nodes are made from."""
    for own in (paths.templates(), paths.snapshots(), paths.fabrics()):
        if folder.resolve().is_relative_to(own.resolve()):
            raise UsageError(f"{folder} is a folder of Famulus' own", hint=_CURE)


def _refuse_existing(target: Path, *, force: bool) -> None:
    if not os.path.lexists(target):
        return
    if not force:
        raise FamulusError(
            f"{target} is there already",
            hint="--force replaces that file; --output writes another file.",
        )
    if not target.is_file():
        raise FamulusError(f"{target} is no file", hint=_CURE)
