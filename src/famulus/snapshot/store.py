# SPDX-License-Identifier: GPL-2.0-or-later
"""The snapshots there are: found by digest, checked, listed, pruned."""

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
KEPT = 8  # snapshots that no node stands on; the longest unused ones beyond go
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
        """The digest that names it."""
        return self.folder.name

    @property
    def ram(self) -> Path:
        """The memory of the frozen machine."""
        return self.folder / "ram"

    @property
    def state(self) -> Path:
        """The state of its devices, a QEMU migration stream."""
        return self.folder / "state"

    @property
    def disk(self) -> Path:
        """The disk of the frozen machine, an overlay on its template's."""
        return self.folder / "disk.qcow2"

    @property
    def overlay(self) -> Path:
        """An empty overlay on `disk`, of which each clone gets a copy."""
        return self.folder / "overlay.qcow2"

    @property
    def boot_log(self) -> Path:
        """What it printed while it booted."""
        return self.folder / "serial.log"

    @property
    def size(self) -> int:
        """The bytes that it takes on the host's disk."""
        return size_on_disk(self.folder)

    def used(self) -> None:
        """Note that the snapshot is in use now: the longest unused go first."""
        os.utime(self.folder / RECORD)


def vault() -> Vault:
    """Return where the snapshots lie."""
    return Vault(paths.snapshots(), RECORD, _remove_build)


def machine_process(folder: Path) -> Daemon:
    """Return the QEMU of the machine that is frozen in `folder`."""
    pidfile = folder / "qemu.pid"
    return Daemon(pidfile, str(pidfile))


def _remove_build(folder: Path) -> None:
    """Remove what was made in `folder`, and end the machine that a killed famulus left there."""
    machine_process(folder).kill()
    remove_tree(folder)


def find(digest: str) -> Snapshot | None:
    """Return the snapshot `digest` if it is there and whole, byte by byte."""
    record = vault().read(digest)
    folder = vault().folder(digest)
    if record is None or not record.keys() >= _FIELDS:
        return None
    if not intact(folder, record["sums"]):
        log.warning("the snapshot %s is damaged: another is made", digest)
        return None
    fields = ("template", "memory", "cpus", "accel", "pool", "place")
    return Snapshot(folder, *(record[field] for field in fields))


def all_snapshots() -> list[Snapshot]:
    """Return every snapshot that is there and whole."""
    found = (find(digest) for digest in sorted(vault().digests()))
    return [snapshot for snapshot in found if snapshot]


def prune(in_use: set[str]) -> int:
    """Remove every snapshot whose digest is not `in_use`, and return the bytes that freed."""
    return vault().prune(in_use)


def prune_surplus(in_use: set[str]) -> int:
    """Remove the longest unused snapshots, so that KEPT remain beside those `in_use`.

    What killed ones left goes too, with the machines they left running.
    """
    finished = {digest for digest in vault().digests() if vault().read(digest)}
    unused = sorted(finished - in_use, key=_last_use, reverse=True)
    return prune(in_use | set(unused[:KEPT]))


def _last_use(digest: str) -> float:
    return (vault().folder(digest) / RECORD).stat().st_mtime
