# SPDX-License-Identifier: GPL-2.0-or-later
"""The finished snapshots: found by name, checked, listed, pruned.

The name of a key's first snapshot is the key's digest. A snapshot that disks lie on is never
replaced: the next one of the same key gets the name `<digest>-2`, and so on.
"""

import contextlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from famulus.base import paths
from famulus.base.process import Daemon
from famulus.base.vault import Vault, identity, remove_tree, size_on_disk
from famulus.snapshot.sums import intact
from famulus.state.homes import users
from famulus.template import store as templates

log = logging.getLogger("famulus")

RECORD = "snapshot.json"
KEPT = 8  # unused snapshots; the longest unused ones above that number are removed
_FIELDS = {"template", "memory", "cpus", "accel", "pool", "place", "sums"}


@dataclass(frozen=True)
class Snapshot:
    """A finished snapshot in its folder. `template` is a digest, `memory` and `pool` are bytes.

    `place` is the address of the pool, 0 without one. `identity` is that of the snapshot's build,
    `template_identity` that of its template's build.
    """

    folder: Path
    template: str
    memory: int
    cpus: int
    accel: str
    pool: int
    place: int
    identity: str = ""
    template_identity: str = ""

    @property
    def digest(self) -> str:
        """The name of the snapshot: the digest of its key, perhaps with a number."""
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
        with contextlib.suppress(OSError):  # the order of removals is no reason to fail
            os.utime(self.folder / RECORD)


def vault() -> Vault:
    """Return the vault of the snapshots, which removes no snapshot below a disk."""
    return Vault(paths.snapshots(), RECORD, _remove_build, lambda folder: users("snapshot", folder))


def machine_process(folder: Path) -> Daemon:
    """Return the QEMU process of the machine that is frozen in `folder`."""
    pidfile = folder / "qemu.pid"
    return Daemon(pidfile, str(pidfile))


def _remove_build(folder: Path) -> None:
    """Remove `folder`, and end the machine that a killed famulus left there."""
    machine_process(folder).kill()
    remove_tree(folder)


def newest(digest: str) -> str:
    """Return the name of the newest snapshot of the key with this digest; it need not exist."""
    made = (name for name in vault().digests() if vault().folder(name).is_dir())
    numbers = [_number(name) for name in made if name.partition("-")[0] == digest]
    return _name(digest, max(numbers, default=1))


def following(name: str) -> str:
    """Return the name of the snapshot that comes after the snapshot `name` of the same key."""
    return _name(name.partition("-")[0], _number(name) + 1)


def _name(digest: str, number: int) -> str:
    return digest if number == 1 else f"{digest}-{number}"


def _number(name: str) -> int:
    return int(name.partition("-")[2] or 1)


def find(digest: str) -> Snapshot | None:
    """Return the snapshot `digest`, or None.

    The snapshot is finished, its check sums are right, and its template has not been built anew
    since. Raises FamulusError if the host cannot read the files, which may be right.
    """
    record = vault().read(digest)
    folder = vault().folder(digest)
    if record is None or not record.keys() >= _FIELDS:
        return None
    if not intact(folder, record["sums"]):
        log.warning("the snapshot %s is damaged", digest)
        return None
    template = templates.vault().read(record["template"])
    if template and not _made_on(record, template):
        log.warning("the snapshot %s was made on an earlier build of its template", digest)
        return None
    fields = {field: record[field] for field in _FIELDS - {"sums"}}
    below = identity(template) if template else record.get("template_id", "")
    return Snapshot(folder, **fields, identity=identity(record), template_identity=below)


def _made_on(record: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    """Return whether the snapshot was made on the present build of its template."""
    if "template_id" in record:
        return bool(record["template_id"] == identity(template))
    return str(record.get("created", "")) >= str(template.get("created", ""))


def all_snapshots() -> list[Snapshot]:
    """Return every snapshot that `find` finds."""
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
    with contextlib.suppress(FileNotFoundError):  # another process removes the snapshot
        return (vault().folder(digest) / RECORD).stat().st_mtime
    return 0.0
