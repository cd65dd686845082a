# SPDX-License-Identifier: GPL-2.0-or-later
"""The templates there are: found by digest, listed, pruned."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from famulus import paths
from famulus.errors import FamulusError

RECORD = "template.json"


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
        return sum(path.stat().st_blocks * 512 for path in self.folder.iterdir())


def find(digest: str) -> Template | None:
    """Return the finished template `digest`, or None."""
    folder = paths.templates() / digest
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return Template(folder, record["suite"], record["kernel"])
    except (OSError, ValueError, KeyError):
        return None


def all_templates() -> list[Template]:
    """Return every finished template."""
    if not paths.templates().is_dir():
        return []
    found = (find(folder.name) for folder in sorted(paths.templates().iterdir()))
    return [template for template in found if template]


def prune(in_use: set[str]) -> int:
    """Remove every template whose digest is not `in_use`, and return the bytes that freed."""
    freed = 0
    for template in all_templates():
        if template.digest not in in_use:
            freed += template.size
            _remove(template)
    return freed


def _remove(template: Template) -> None:
    """Take the record away first: half a template must not look finished."""
    try:
        (template.folder / RECORD).unlink()
        shutil.rmtree(template.folder)
    except OSError as error:
        raise FamulusError(f"cannot remove {template.folder}: {error.strerror}") from error
