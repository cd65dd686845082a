# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's document about an exported disk, for `virsh define` here or on another host."""

import uuid
from pathlib import Path

from famulus.backend.libvirt.domain_document import Place, domain_document
from famulus.backend.libvirt.network import network_name
from famulus.backend.qemu.arguments import Machine
from famulus.host.accelerator import address_bits, choose_accelerator
from famulus.pool.file import pool_path
from famulus.settings.identity import Identity
from famulus.settings.spec import FabricSpec

_UNUSED = Path("/nonexistent")
_LIBVIRT_DEFAULT = "default"  # the network that every libvirt installation has


def exported_domain(name: str, disk: Path, fabric: str, spec: FabricSpec, number: int) -> str:
    """Return the document of a machine called `name` that boots from `disk`.

    The machine has the memory, CPUs and MAC address of node `number` of `fabric`, and the pool at
    0000:00:04.0. Its network is the fabric's own if libvirt runs that, else libvirt's default one.
    """
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
        pool_file=pool_path(fabric, spec.model_copy(update={"pool_file": None})),
        pool_size=spec.pool,
        switch=_UNUSED,
        folder=_UNUSED,
        sockets=_UNUSED,
        address_bits=address_bits(accel),
    )
    network = network_name(fabric) if spec.network == "libvirt" else _LIBVIRT_DEFAULT
    return domain_document(machine, Place(name, _uuid(disk), network))


def _uuid(disk: Path) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, disk.as_uri()))
