# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide from which snapshot new nodes are cloned, or that new nodes boot."""

from collections.abc import Sequence

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.fabric.fabric import Fabric
from famulus.fabric.templates import snapshots_in_use
from famulus.host.accelerator import Accelerator
from famulus.node.node import Node
from famulus.snapshot import freeze
from famulus.snapshot.key import Key
from famulus.snapshot.store import Snapshot, prune_surplus
from famulus.template import store
from famulus.template.store import Template


def choose_snapshot(
    fabric: Fabric, nodes: Sequence[Node], accel: Accelerator, events: Events
) -> Snapshot | None:
    """Return the snapshot from which those of `nodes` without a disk are cloned.

    A missing snapshot is made. Returns None if all of them have disks, or if new nodes boot:
    because the settings or the back end say so, or because the template is gone.
    """
    if all(node.has_disk() for node in nodes):
        return None
    template = store.hold(fabric.record.template)
    if template is None:
        return None
    if not fabric.clones:
        _report_boot(fabric, events)
        return None
    snapshot = freeze.ensure(_key(fabric, template, accel), events)
    _prune_surplus(snapshot)
    return snapshot


def another_snapshot(fabric: Fabric, accel: Accelerator, events: Events) -> Snapshot:
    """Return a new snapshot beside the snapshot of `choose_snapshot`, which QEMU did not restore.

    The old one stays: disks may lie on it, and the host may be at fault.
    """
    events.note("the snapshot cannot be restored here; `up` makes a new snapshot (see the log)")
    template = store.hold(fabric.record.template)
    if template is None:
        raise FamulusError(f"the template {fabric.record.template} is gone", hint="`famulus up`")
    return freeze.another(_key(fabric, template, accel), events)


def _key(fabric: Fabric, template: Template, accel: Accelerator) -> Key:
    spec = fabric.spec
    # A machine that is frozen has no server that could give it a pool and a doorbell.
    pool = 0 if fabric.rings else spec.pool
    return Key(template, accel, spec.memory, spec.cpus, pool)


def _prune_surplus(snapshot: Snapshot) -> None:
    try:
        prune_surplus({*snapshots_in_use(), snapshot.digest})
    except FamulusError as error:  # another fabric cannot be read: nothing is removed
        freeze.log.warning("%s", error.brief)


def _report_boot(fabric: Fabric, events: Events) -> None:
    if not fabric.spec.cold:
        events.note(f"new nodes are booted, not cloned: {fabric.backend.no_clones}")
