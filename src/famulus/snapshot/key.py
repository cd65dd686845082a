# SPDX-License-Identifier: GPL-2.0-or-later
"""The key of a snapshot: everything that decides about its contents, and the digest of that."""

import hashlib
import json
from dataclasses import astuple, dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

from famulus.backend.machine import PROGRAM, Machine
from famulus.backend.qemu.arguments import snapshot_arguments
from famulus.host.accelerator import Accelerator, address_bits, cpu_features
from famulus.host.programs import program_version
from famulus.settings.identity import Identity
from famulus.snapshot.ready import READY
from famulus.template.recipe import KERNEL_ARGUMENTS
from famulus.template.store import Template

SETTLE = "famulus.settle"  # on the kernel's command line of a node to be frozen, see guest/template
_FORMAT = 2  # raise it when the same key yields another snapshot
_NOWHERE = Path("/")


@dataclass(frozen=True)
class Key:
    """Everything that decides about a snapshot's contents; `memory` and `pool` are bytes.

    Snapshots with a pool are made from a snapshot without a pool, the base.
    """

    template: Template
    accel: Accelerator
    memory: int
    cpus: int
    pool: int = 0

    @property
    def base(self) -> "Key":
        """The key of the base."""
        return replace(self, pool=0)

    def digest(self) -> str:
        """Return 16 hex digits that change whenever a snapshot no longer fits.

        The digits depend on the fields, QEMU's version, QEMU's arguments (devices, CPU, the
        kernel's command line) and, under KVM, the features of the host's CPU, which nodes see.
        """
        everything = {
            "format": _FORMAT,
            "pool": self.pool,
            "ready": [astuple(file) for file in READY],
            "template": self.template.digest,
            "qemu": program_version(PROGRAM),
            "cpu": cpu_features() if self.accel == "kvm" else "",
            "arguments": snapshot_arguments(self.machine(_NOWHERE, _NOWHERE), _NOWHERE)[1:],
        }
        text = json.dumps(everything, sort_keys=True).replace(str(self.template.folder), "")
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def machine(self, folder: Path, sockets: Path) -> Machine:
        """Return the machine that is frozen. No node has its MAC; it never sends a frame."""
        return Machine(
            name="snapshot",
            mac=Identity(0, IPv4Network("192.168.42.0/24")).mac,
            memory=self.memory,
            cpus=self.cpus,
            accel=self.accel,
            disk=folder / "disk.qcow2",
            kernel=self.template.kernel,
            initrd=self.template.initrd,
            kernel_arguments=(*KERNEL_ARGUMENTS, SETTLE),
            pool_file=folder / "pool",
            pool_size=self.pool,
            folder=folder,
            sockets=sockets,
            address_bits=address_bits(self.accel),
        )
