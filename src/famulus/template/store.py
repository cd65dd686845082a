# SPDX-License-Identifier: GPL-2.0-or-later
"""The templates there are: found by digest, listed, pruned."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from famulus import paths
from famulus.errors import FamulusError
from famulus.template.lock import lock_path, locked_if_free
from famulus.template.scratch import remove_build

RECORD = "template.json"
_NAME = re.compile(r"(?:\.building-|\.)?([0-9a-f]{16})(?:\.lock)?")


@dataclass(frozen=True)
class Template:
    """A finished template in its folder."""

    folder: Path
    suite: str
    kernel_kind: str

    @property
    def digest(self) -> str:
        """The digest that names it."""
        return self.folder.name

    @property
    def disk(self) -> Path:
        """The raw, partitioned image that boots by itself."""
        return self.folder / "disk.img"

    @property
    def kernel(self) -> Path:
        """The kernel for a direct boot."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """The small initrd for a direct boot."""
        return self.folder / "initrd"

    @property
    def size(self) -> int:
        """The bytes that it takes on the host's disk."""
        return _size(self.folder)


def find(digest: str) -> Template | None:
    """Return the finished template `digest`, or None."""
    folder = paths.templates() / digest
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return Template(folder, record["suite"], record["kernel"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def all_templates() -> list[Template]:
    """Return every finished template."""
    found = (find(name) for name in sorted(_digests()))
    return [template for template in found if template]


def building_folder(digest: str) -> Path:
    """Return the folder in which the template `digest` is built."""
    return paths.templates() / f".building-{digest}"


def prune(in_use: set[str]) -> int:
    """Remove every template whose digest is not `in_use`, and return the bytes that freed.

    What is being built stays; what a killed build or prune left goes.
    """
    return sum(_prune(digest) for digest in sorted(_digests() - in_use))


def _digests() -> set[str]:
    """Return the digests of all templates, also of what is left of one."""
    if not paths.templates().is_dir():
        return set()
    names = (_NAME.fullmatch(path.name) for path in paths.templates().iterdir())
    return {name[1] for name in names if name}


def _prune(digest: str) -> int:
    with locked_if_free(digest) as is_free:
        if not is_free:
            return 0
        folders = (paths.templates() / digest, building_folder(digest))
        freed = sum(_size(folder) for folder in folders)
        try:
            remove(digest)
            lock_path(digest).unlink()
        except OSError as error:
            raise FamulusError(
                f"cannot remove {error.filename or folders[0]}: {error.strerror}"
            ) from error
        return freed


def remove(digest: str) -> None:
    """Remove the template `digest`, whole or not, and what a build of it left.

    The caller holds its lock. The record goes first: half a template must not look finished.
    """
    folder = paths.templates() / digest
    (folder / RECORD).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    remove_build(building_folder(digest))


def _size(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))
