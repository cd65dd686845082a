# SPDX-License-Identifier: GPL-2.0-or-later
"""The finished templates: found by digest, listed, pruned."""

from dataclasses import dataclass
from pathlib import Path

from famulus.base import paths
from famulus.base.vault import Vault, identity, size_on_disk
from famulus.state.homes import users
from famulus.template.scratch import remove_build

RECORD = "template.json"


@dataclass(frozen=True)
class Template:
    """A finished template in its folder. `identity` is that of its build, see `vault.identity`."""

    folder: Path
    suite: str
    kernel_kind: str
    identity: str = ""

    @property
    def digest(self) -> str:
        """The digest that names the template."""
        return self.folder.name

    @property
    def disk(self) -> Path:
        """The raw, partitioned image, which boots by itself."""
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
        """The bytes that the template takes on the host's disk."""
        return size_on_disk(self.folder)


def vault() -> Vault:
    """Return the vault of the templates, which removes no template below a disk."""
    return Vault(paths.templates(), RECORD, remove_build, lambda folder: users("template", folder))


def find(digest: str) -> Template | None:
    """Return the finished template `digest`, or None. Raises FamulusError, see `Vault.read`."""
    record = vault().read(digest)
    if record is None or not {"suite", "kernel"} <= record.keys():
        return None
    return Template(vault().folder(digest), record["suite"], record["kernel"], identity(record))


def hold(digest: str) -> Template | None:
    """Return the finished template `digest`, or None; no other process removes it from now on.

    This process keeps a shared lock of the template until it ends.
    """
    return vault().hold_if_there(digest, lambda: find(digest), lambda: None)


def all_templates() -> list[Template]:
    """Return every finished template."""
    found = (find(name) for name in sorted(vault().digests()))
    return [template for template in found if template]


def prune(in_use: set[str]) -> int:
    """Remove every template whose digest is not `in_use`; return the bytes freed."""
    return vault().prune(in_use)
