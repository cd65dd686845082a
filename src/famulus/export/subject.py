# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk to export: that of a stopped node, or the template's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.fabric.fabric import Fabric, locked, open_fabric
from famulus.fabric.up import wanted
from famulus.node.disk import require_bases
from famulus.node.node import Node
from famulus.state.folder import FabricFolder
from famulus.template import store
from famulus.template.guest import guest_files
from famulus.template.recipe import Recipe
from famulus.template.store import Template

TEMPLATE = "template"  # the word that stands for the template where a node is expected


@dataclass(frozen=True)
class Subject:
    """The image `disk` of format `disk_format`: that of `node`, or, without a node, the template's.

    `name` is the base name of the exported files.
    """

    name: str
    disk: Path
    disk_format: str
    fabric: Fabric | None = None
    node: Node | None = None


@contextmanager
def opened(
    fabric_name: str, node_or_template: str, settings: Path | None, events: Events
) -> Iterator[Subject]:
    """Yield the subject. While the block runs, the node cannot be started.

    `settings` is the file that `up` would read. Raises UsageError for an unknown node, FamulusError
    for a node that runs or has no disk, and for a template that is not built.
    """
    if node_or_template == TEMPLATE:
        yield Subject("fabric_template", _template(fabric_name, settings).disk, "raw")
        return
    fabric = open_fabric(fabric_name)
    node = fabric.select_one(node_or_template)
    with locked(fabric.folder, events):
        _require_stopped(node)
        require_bases(node)
        yield Subject(node.name, node.disk, "qcow2", fabric, node)


def _require_stopped(node: Node) -> None:
    if not node.has_disk():
        raise FamulusError(
            f"{node.name} has no disk yet", hint="`famulus up` gives the node a disk."
        )
    state = node.state()
    if state != "stopped":
        raise FamulusError(
            f"{node.name} is {state}, and its disk changes",
            hint=f"`famulus node stop {node.number}` first; `famulus up` starts the node again.",
        )


def _template(fabric_name: str, settings: Path | None) -> Template:
    """Return the template of the fabric, or the template that its first `up` would use."""
    folder = FabricFolder(fabric_name)
    if folder.exists():
        template = store.find(folder.read().template)
    else:
        recipe = Recipe.from_spec(wanted(fabric_name, {}, settings))
        template = store.find(recipe.digest(guest_files()))
    if template is None:
        raise FamulusError(
            "the template is not built yet", hint="`famulus template build` builds the template."
        )
    return template
