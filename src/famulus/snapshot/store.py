# SPDX-License-Identifier: GPL-2.0-or-later
"""The finished snapshots: found by digest, checked, listed, pruned."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from famulus.base import paths
from famulus.base.process import Daemon
from famulus.base.vault import Vault, remove_tree, size_on_disk
from famulus.snapshot.sums import intact

log = logging.getLogger("famulus")

RECORD = "snapshot.json"
KEPT = 8  # unused snapshots; the longest unused ones above that number are removed
_FIELDS = {"template", "memory", "cpus", "accel", "pool", "place", "sums"}


@dataclass(frozen=True)
class Snapshot:
    """A finished snapshot in its folder. `template` is a digest, `memory` and `pool` are bytes.

    `place` is the address of the pool, 0 without one.
    """

    folder: Path
    template: str
    memory: int
    cpus: int
    accel: str
    pool: int
    place: int

    @property
    def digest(self) -> str:
        """The digest that names the snapshot."""
        return self.folder.name

    @property
    def ram(self) -> Path:
        """The memory of the frozen machine."""
        return self.folder / "ram"

    @property
    def state(self) -> Path:
        """The state of the machine's devices, a QEMU migration stream."""
        return self.folder / "state"

    @property
    def disk(self) -> Path:
        """The disk of the frozen machine, whose backing file is the template's disk."""
        return self.folder / "disk.qcow2"

    @property
    def overlay(self) -> Path:
        """An empty disk with the backing file `disk`; each clone gets a copy."""
        return self.folder / "overlay.qcow2"

    @property
    def boot_log(self) -> Path:
        """The output of the frozen machine while it booted."""
        return self.folder / "serial.log"

    @property
    def size(self) -> int:
        """The bytes that the snapshot takes on the host's disk."""
        return size_on_disk(self.folder)

    def used(self) -> None:
        """Note a use of the snapshot: the longest unused ones are removed first."""
        os.utime(self.folder / RECORD)


def vault() -> Vault:
    """Return the vault of the snapshots."""
    return Vault(paths.snapshots(), RECORD, _remove_build)


def machine_process(folder: Path) -> Daemon:
    """Return the QEMU process of the machine that is frozen in `folder`."""
    pidfile = folder / "qemu.pid"
    return Daemon(pidfile, str(pidfile))


def _remove_build(folder: Path) -> None:
    """Remove `folder`, and end the machine that a killed famulus left there."""
    machine_process(folder).kill()
    remove_tree(folder)


def find(digest: str) -> Snapshot | None:
    """Return the snapshot `digest` if it is finished and its check sums are right, else None."""
    record = vault().read(digest)
    folder = vault().folder(digest)
    if record is None or not record.keys() >= _FIELDS:
        return None
    if not intact(folder, record["sums"]):
        log.warning("the snapshot %s is damaged and is made again", digest)
        return None
    fields = ("template", "memory", "cpus", "accel", "pool", "place")
    return Snapshot(folder, *(record[field] for field in fields))


def all_snapshots() -> list[Snapshot]:
    """Return every finished snapshot whose check sums are right."""
    found = (find(digest) for digest in sorted(vault().digests()))
    return [snapshot for snapshot in found if snapshot]


def prune(in_use: set[str]) -> int:
    """Remove every snapshot whose digest is not `in_use`; return the bytes freed."""
    return vault().prune(in_use)


def prune_surplus(in_use: set[str]) -> int:
    """Remove the longest unused snapshots, so that KEPT remain beside those `in_use`.

    The remains of killed processes are removed, too, and their machines are ended. Returns the
    bytes freed.
    """
    finished = {digest for digest in vault().digests() if vault().read(digest)}
    unused = sorted(finished - in_use, key=_last_use, reverse=True)
    return prune(in_use | set(unused[:KEPT]))


def _last_use(digest: str) -> float:
    return (vault().folder(digest) / RECORD).stat().st_mtime
