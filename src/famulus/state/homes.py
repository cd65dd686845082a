# SPDX-License-Identifier: GPL-2.0-or-later
"""The disks that lie on a template or on a snapshot, also in other homes than this one.

Several homes share templates and snapshots if these folders are links. Such a home registers
itself in the shared folder, so that a prune in another home knows about its disks.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from famulus.base import paths
from famulus.base.files import write_private
from famulus.state.below import Kind, below

_REGISTER = ".homes"


def register(root: Path) -> None:
    """Note in `root`, a folder of templates or snapshots, that this home has disks on them.

    The home that `root` lies in needs no note. Raises FamulusError.
    """
    if _owner(root) != paths.home().resolve():
        note = _note(root)
        paths.make_private(note.parent)
        write_private(note, os.fsencode(paths.home()))


def unregister(root: Path) -> None:
    """Remove the note of `register` unless this home still has a node."""
    if not any(_node_folders(paths.home())):
        _note(root).unlink(missing_ok=True)


def fabrics_on(kind: Kind, root: Path) -> dict[str, list[str]]:
    """Return the fabrics whose disks lie on each image of this kind in the folder `root`.

    A fabric of another home is called by its name and its home. Raises FamulusError if a node's
    folder cannot be read.
    """
    found: dict[str, set[str]] = {}
    for home in _homes(root):
        for folder in _node_folders(home):
            if base := below(folder, kind):
                found.setdefault(base.name, set()).add(_label(home, folder.parent.name))
    return {name: sorted(labels) for name, labels in found.items()}


def missing(root: Path) -> dict[Path, Path]:
    """Return the registered homes that are not there, each with the file that registers it.

    Nobody knows whether disks of these homes lie on the images in `root`.
    """
    return {home: note for home, note in _registered(root).items() if not home.is_dir()}


def users(kind: Kind, image: Path) -> list[str]:
    """Return what needs the folder `image`: fabrics with disks on it, and homes that are missing.

    Raises FamulusError as `fabrics_on` does.
    """
    fabrics = fabrics_on(kind, image.parent).get(image.name, [])
    gone = [f"a fabric of {home}, which is not there" for home in missing(image.parent)]
    return [*(f"fabric {name}" for name in fabrics), *gone]


def _owner(root: Path) -> Path:
    return root.resolve().parent


def _note(root: Path) -> Path:
    name = hashlib.sha256(os.fsencode(paths.home())).hexdigest()[:12]
    return root / _REGISTER / name


def _registered(root: Path) -> dict[Path, Path]:
    found = {}
    for note in _entries(root / _REGISTER):
        with contextlib.suppress(FileNotFoundError):  # another process removed the note just now
            if not note.name.startswith("."):  # a note that is being written
                found[Path(os.fsdecode(note.read_bytes()))] = note
    return found


def _homes(root: Path) -> list[Path]:
    """Return the homes that share `root` and are there, this home first."""
    homes = {home.resolve(): home for home in (*_registered(root), _owner(root), paths.home())}
    return sorted(homes.values(), key=lambda home: home != paths.home())


def _label(home: Path, fabric: str) -> str:
    return fabric if home == paths.home() else f"{fabric} of {home}"


def _node_folders(home: Path) -> Iterator[Path]:
    for fabric in _entries(home / "fabrics"):
        yield from (path for path in _entries(fabric) if path.name.startswith("node"))


def _entries(folder: Path) -> list[Path]:
    """Return the entries of `folder`; none if it is not there, or no folder."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return sorted(folder.iterdir())
    return []
