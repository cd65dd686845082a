# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide from which snapshot new nodes are cloned, or that new nodes boot."""

from collections.abc import Sequence

from famulus.base.events import Events
from famulus.fabric.fabric import Fabric
from famulus.fabric.templates import snapshots_in_use
from famulus.host.accelerator import Accelerator
from famulus.node.lifecycle import RestoreError
from famulus.node.node import Node
from famulus.snapshot import freeze
from famulus.snapshot.key import Key
from famulus.snapshot.store import Snapshot, prune_surplus
from famulus.template import store


def choose_snapshot(
    fabric: Fabric, nodes: Sequence[Node], accel: Accelerator, events: Events
) -> Snapshot | None:
    """Return the snapshot from which those of `nodes` without a disk are cloned.

    A missing snapshot is made. Returns None if all of them have disks, or if new nodes boot:
    because the settings or the back end say so, or because the template is gone.
    """
    template = store.find(fabric.record.template)
    if template is None or all(node.has_disk() for node in nodes):
        return None
    if not fabric.clones:
        _report_boot(fabric, events)
        return None
    spec = fabric.spec
    # A machine that is frozen has no server that could give it a pool and a doorbell.
    pool = 0 if fabric.rings else spec.pool
    snapshot = freeze.ensure(Key(template, accel, spec.memory, spec.cpus, pool), events)
    prune_surplus({*snapshots_in_use(), snapshot.digest})
    return snapshot


def replace_snapshot(snapshot: Snapshot, error: RestoreError, events: Events) -> None:
    """Remove a snapshot that could not be restored, so that `choose_snapshot` makes a new one."""
    events.note("the snapshot cannot be restored here; `up` makes a new snapshot (see the log)")
    freeze.log.warning("%s: %s", snapshot.digest, error)
    freeze.discard(snapshot)


def _report_boot(fabric: Fabric, events: Events) -> None:
    if not fabric.spec.cold:
        events.note(f"new nodes are booted, not cloned: {fabric.backend.no_clones}")
