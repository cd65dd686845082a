# SPDX-License-Identifier: GPL-2.0-or-later
"""Have the disk of a snapshot name its template where the template lies now.

Snapshots of earlier releases have absolute names, which lead nowhere after their home was moved.
"""

import json
from pathlib import Path

from famulus.backend.disk import leads_to_a_file, rebase
from famulus.base import lockfile, paths
from famulus.base.errors import FamulusError
from famulus.base.files import write_private
from famulus.snapshot import store
from famulus.snapshot.sums import sums_of
from famulus.template.store import Template

_LOCK = ".settle.lock"
_DISK = "disk.qcow2"


def settle(name: str, template: Template) -> Path:
    """Return the disk of the snapshot `name`, which names the disk of `template`, its template.

    A name that leads to a file stays: other homes share the snapshot, and machines may run from the
    snapshot. The check sum is stored anew if the name changes. Raises FamulusError if that fails.
    """
    disk = store.vault().folder(name) / _DISK
    if not leads_to_a_file(disk):
        with lockfile.locked(paths.snapshots() / _LOCK, lambda _: None):
            if not leads_to_a_file(disk):
                _rename(disk, template)
                _store_sum(name, disk)
    return disk


def _rename(disk: Path, template: Template) -> None:
    disk.chmod(0o600)
    try:
        rebase(disk, template.disk, "raw")
    finally:
        disk.chmod(0o400)


def _store_sum(name: str, disk: Path) -> None:
    record = store.vault().read(name)
    if record is None:
        raise FamulusError(f"the snapshot {name} has been removed")
    record["sums"] |= sums_of(disk.parent, (disk.name,))
    write_private(disk.parent / store.RECORD, json.dumps(record, indent=1) + "\n")
