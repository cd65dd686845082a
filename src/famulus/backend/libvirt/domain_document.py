# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's document about a node's machine. Pure.

The document describes the machine of `backend.qemu.arguments`: the same devices in the same slots.
The format is https://libvirt.org/formatdomain.html.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from famulus.backend.machine import (
    DISK_SLOT,
    NETWORK_SLOT,
    POOL_SLOT,
    PROGRAM,
    RNG_SLOT,
    SERIAL_SLOT,
    SLOW_FEATURES,
    TRANSLATION_CACHE,
    Machine,
    max_cpus,
)
from famulus.base.render import render
from famulus.base.units import MIB


@dataclass(frozen=True)
class Place:
    """The part of a domain that libvirt alone needs: names, network, backing files, owner.

    `backing` are the images below the machine's disk, nearest first, each with its format. `agent`
    is the socket of Famulus' agent, `serial_log` takes the output of the serial console; without
    both, the document describes a machine that Famulus does not run, which boots from its disk.
    QEMU runs as `owner` (user and group number), by default as libvirt's own user.
    """

    name: str
    uuid: str
    network: str
    emulator: str = f"/usr/bin/{PROGRAM}"
    backing: Sequence[tuple[Path, str]] = ()
    agent: Path | None = None
    serial_log: Path | None = None
    owner: tuple[int, int] | None = None


def domain_document(m: Machine, place: Place) -> str:
    """Return the document that makes libvirt run `m`, whose pool lies in /dev/shm."""
    return render(
        "backend/libvirt/documents/domain.xml",
        **vars(place),
        title=f"{m.name}, a node of fabric-attached memory (Famulus)",
        accel=m.accel,
        memory=m.memory,
        cpus=m.cpus,
        max_cpus=max_cpus(m.accel, m.cpus),
        kernel=m.kernel if place.agent else None,
        initrd=m.initrd,
        kernel_arguments=(*m.kernel_arguments, "famulus.libvirt"),
        translation_cache=TRANSLATION_CACHE,
        address_bits=m.address_bits,
        slow_features=SLOW_FEATURES,
        disk=m.disk,
        mac=m.mac,
        pool=m.pool_file.name,
        pool_mib=m.pool_size // MIB,
        slot=_slot,
        network_slot=NETWORK_SLOT,
        pool_slot=POOL_SLOT,
        disk_slot=DISK_SLOT,
        serial_slot=SERIAL_SLOT,
        rng_slot=RNG_SLOT,
    )


def _slot(number: str) -> Markup:
    return Markup(
        "<address type='pci' domain='0x0000' bus='0x00' slot='0x{}' function='0x0'/>"
    ).format(number)
