# SPDX-License-Identifier: GPL-2.0-or-later
"""Make and remove a node's own disk, an overlay on a template's or a snapshot's."""

import shutil

from famulus.backend.disk import copy_overlay, lies_on, make_overlay, rebase
from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.files import write_private
from famulus.base.vault import identity
from famulus.node.node import Node
from famulus.snapshot import store as snapshots
from famulus.snapshot.settle import settle
from famulus.snapshot.store import Snapshot
from famulus.state import homes
from famulus.state.below import Base, below, note_below
from famulus.template import store
from famulus.template.recipe import DISK_SIZE
from famulus.template.store import Template

_ANEW = (
    "If you have a copy of the old folder, put the copy back. Else `famulus node reset` forgets "
    "the disk and makes the node new; or `famulus pool save FILE` saves the pool, and "
    "`down --purge` and `up` begin anew."
)


def make_disk(node: Node, template: Template | None) -> None:
    """Give the node a fresh disk on `template`. Raises FamulusError if the template is gone."""
    if template is None:
        raise _gone(node, "the template, which new disks are made from,")
    paths.make_private(node.path)
    homes.register(paths.templates())
    make_overlay(template.disk, "raw", node.disk, DISK_SIZE)
    note_below(node.path, Base(template.digest, template.identity))


def make_clone_disk(node: Node, snapshot: Snapshot) -> None:
    """Give the node an empty overlay on the snapshot's disk, and the snapshot's serial log."""
    for root in (paths.templates(), paths.snapshots()):
        homes.register(root)
    try:
        copy_overlay(snapshot.overlay, snapshot.disk, node.disk)
        printed = snapshot.boot_log.read_text(encoding="utf-8", errors="replace").rstrip()
    except OSError as error:
        raise FamulusError(
            f"cannot make {node.disk}: {error.strerror}", hint="Is the disk full?"
        ) from error
    write_private(node.serial_log, f"{printed}\n[cloned from the snapshot {snapshot.digest}]\n")
    note_below(
        node.path,
        Base(snapshot.template, snapshot.template_identity),
        Base(snapshot.digest, snapshot.identity),
    )


def remove_disk(node: Node) -> None:
    """Remove the node's folder with disk, keys and log, and the back end's data about the node."""
    node.backend.forget(node.path)
    shutil.rmtree(node.path, ignore_errors=True)


def forget_disk(node: Node) -> None:
    """Remove the node's disk and the back end's data about the disk; keys and log stay."""
    for name in ("template", "snapshot", "passwords", node.disk.name):
        (node.path / name).unlink(missing_ok=True)


def require_bases(node: Node) -> Template:
    """Return the template below the node's disk, which names its bases where they lie now.

    Raises FamulusError unless the template and the snapshot below the disk are there, of the same
    build as when the disk was made: on another build the disk's blocks would mean something else.
    """
    template, snapshot = below(node.path, "template"), below(node.path, "snapshot")
    found = store.find(template.name) if template else None
    if template is None or found is None:
        raise _gone(node, f"the template {template and template.name}, below its disk,")
    _require_build(node, "template", template, found.identity)
    if snapshot:
        _require_snapshot(node, snapshot, found)
    elif not lies_on(node.disk, found.disk):
        rebase(node.disk, found.disk, "raw")
    return found


def _require_snapshot(node: Node, snapshot: Base, template: Template) -> None:
    record = snapshots.vault().read(snapshot.name)
    if record is None:
        raise _gone(node, f"the snapshot {snapshot.name}, below its disk,")
    _require_build(node, "snapshot", snapshot, identity(record))
    disk = settle(snapshot.name, template)
    if not lies_on(node.disk, disk):
        rebase(node.disk, disk, "qcow2")


def _require_build(node: Node, kind: str, noted: Base, present: str) -> None:
    if noted.identity not in ("", present):
        raise FamulusError(
            f"{node.name}: the {kind} {noted.name}, below its disk, was made anew since, and the "
            "disk does not fit on another one",
            hint=_ANEW,
        )


def _gone(node: Node, which: str) -> FamulusError:
    return FamulusError(f"{node.name}: {which} is gone", hint=_ANEW)
