# SPDX-License-Identifier: GPL-2.0-or-later
"""Describe a node's machine for the back end; store and read the settings of its last start."""

import json

from famulus.backend.machine import Cache, Machine
from famulus.base.files import write_private
from famulus.coherence.build import ensure
from famulus.host.accelerator import Accelerator, address_bits
from famulus.node.disk import require_bases
from famulus.node.node import Node
from famulus.template.recipe import KERNEL_ARGUMENTS


def machine(node: Node, accel: Accelerator) -> Machine:
    """Return the node's machine. Raises FamulusError as `require_bases` does."""
    template = require_bases(node)
    return Machine(
        name=node.name,
        mac=node.identity.mac,
        memory=node.spec.memory,
        cpus=node.spec.cpus,
        accel=accel,
        disk=node.disk,
        kernel=template.kernel,
        initrd=template.initrd,
        kernel_arguments=KERNEL_ARGUMENTS,
        pool_file=node.pool.at,
        pool_size=node.spec.pool,
        folder=node.path,
        sockets=node.sockets,
        address_bits=address_bits(accel),
        doorbell=node.doorbell,
        cache=_cache(node),
    )


def _cache(node: Node) -> Cache | None:
    caches = node.plugin_caches
    if caches is None:
        return None
    image = caches.image(node.number) if node.spec.noncoherent else node.pool.at
    return Cache(ensure().plugin, caches.folder, image, node.number)


def machine_settings(node: Node, accel: str) -> dict[str, object]:
    """Return the settings that only a restart of the node can change."""
    settings = {"memory": node.spec.memory, "cpus": node.spec.cpus, "accel": accel}
    return {**settings, "doorbell": node.rings}


def running_settings(node: Node) -> dict[str, object]:
    """Return the settings of the last start of the node's machine; empty if they are unknown."""
    try:
        settings: dict[str, object] = json.loads((node.path / "machine.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return settings


def note_settings(node: Node, accel: str) -> None:
    """Store the settings with which the node's machine starts."""
    write_private(node.path / "machine.json", json.dumps(machine_settings(node, accel)) + "\n")
