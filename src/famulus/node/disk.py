# SPDX-License-Identifier: GPL-2.0-or-later
"""Make and remove a node's own disk, an overlay on a template's or a snapshot's."""

import shutil

from famulus.backend.disk import make_overlay
from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.files import write_private
from famulus.node.below import note_below
from famulus.node.node import Node
from famulus.snapshot.store import Snapshot
from famulus.template.recipe import DISK_SIZE
from famulus.template.store import Template


def make_disk(node: Node, template: Template | None) -> None:
    """Give the node a fresh disk on `template`. Raises FamulusError if the template is gone."""
    if template is None:
        raise template_gone(node, "which new disks are made from")
    paths.make_private(node.path)
    make_overlay(template.disk, "raw", node.disk, DISK_SIZE)
    note_below(node.path, template.digest, "")


def make_clone_disk(node: Node, snapshot: Snapshot) -> None:
    """Give the node an empty overlay on the snapshot's disk, and the snapshot's serial log."""
    try:
        shutil.copyfile(snapshot.overlay, node.disk)
        node.disk.chmod(0o600)
        printed = snapshot.boot_log.read_text(encoding="utf-8", errors="replace").rstrip()
    except OSError as error:
        raise FamulusError(
            f"cannot make {node.disk}: {error.strerror}", hint="Is the disk full?"
        ) from error
    write_private(node.serial_log, f"{printed}\n[cloned from the snapshot {snapshot.digest}]\n")
    note_below(node.path, snapshot.template, snapshot.digest)


def remove_disk(node: Node) -> None:
    """Remove the node's folder with disk, keys and log, and the back end's data about the node."""
    node.backend.forget(node.path)
    shutil.rmtree(node.path, ignore_errors=True)


def forget_disk(node: Node) -> None:
    """Remove the node's disk and the back end's data about the disk; keys and log stay."""
    for name in ("template", "snapshot", "passwords", node.disk.name):
        (node.path / name).unlink(missing_ok=True)


def template_gone(node: Node, which: str) -> FamulusError:
    """Return the error that the template `which` is gone."""
    return FamulusError(
        f"{node.name}: the template {which} is gone",
        hint="`famulus pool save FILE` saves the pool; `famulus down --purge` and `up` begin anew.",
    )
