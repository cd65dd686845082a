# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's document about an exported disk, for `virsh define` here or on another host."""

import uuid
from pathlib import Path

from famulus.backend.libvirt.domain_document import Place, domain_document
from famulus.backend.machine import Machine
from famulus.base.paths import SHARED_MEMORY
from famulus.fabric.fabric import Fabric
from famulus.host.accelerator import address_bits, choose_accelerator
from famulus.pool.place import shared_place
from famulus.settings.fabric_name import DEFAULT_NAME
from famulus.settings.identity import Identity
from famulus.settings.spec import FabricSpec

_UNUSED = Path("/nonexistent")
_LIBVIRT_DEFAULT = "default"  # the network that every libvirt installation has


def exported_domain(name: str, disk: Path, fabric: Fabric | None, number: int) -> str:
    """Return the document of a machine called `name` that boots from `disk`.

    The machine has the memory, CPUs and MAC address of node `number` of `fabric`, and the pool at
    0000:00:04.0; without a fabric, those of the default settings. Its network is the fabric's own
    if libvirt runs that, else libvirt's default one.
    """
    spec = fabric.spec if fabric else FabricSpec()
    network = fabric.network.libvirt_name if fabric else None
    accel = choose_accelerator(spec.accelerator)
    machine = Machine(
        name=name,
        mac=Identity(number, spec.subnet).mac,
        memory=spec.memory,
        cpus=spec.cpus,
        accel=accel,
        disk=disk,
        kernel=_UNUSED,
        initrd=_UNUSED,
        kernel_arguments=(),
        pool_file=_pool(fabric),
        pool_size=spec.pool,
        folder=_UNUSED,
        sockets=_UNUSED,
        address_bits=address_bits(accel),
    )
    return domain_document(machine, Place(name, _uuid(disk), network or _LIBVIRT_DEFAULT))


def _pool(fabric: Fabric | None) -> Path:
    """Return the fabric's pool if it lies in shared memory, else one that libvirt takes."""
    if fabric and fabric.pool.path.parent == SHARED_MEMORY:
        return fabric.pool.path
    return shared_place(fabric.folder.name if fabric else DEFAULT_NAME)


def _uuid(disk: Path) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, disk.as_uri()))
