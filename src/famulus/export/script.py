# SPDX-License-Identifier: GPL-2.0-or-later
"""The script that starts a set of nodes without Famulus: `fabric_emulation.bash`. Pure."""

import hashlib
import shlex
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from pathlib import Path

from famulus.backend.machine import (
    DISK_SLOT,
    NETWORK_SLOT,
    POOL_SLOT,
    RNG_SLOT,
    TRANSLATION_CACHE,
    cpu_model,
)
from famulus.base.render import render
from famulus.base.units import MIB
from famulus.host.accelerator import TCG_ADDRESS_BITS
from famulus.settings.identity import node_name

_STOP_TIMEOUT = 300  # seconds for a node's systemd to shut down, on a busy host under TCG


@dataclass(frozen=True)
class Nodes:
    """The nodes 1 … `number`, whose disks lie in `folder`. `memory` and `pool_size` are bytes.

    `bridge` is the host's interface of libvirt's network `network`; `helper` lets QEMU join the
    bridge.
    """

    number: int
    folder: Path
    memory: int
    cpus: int
    pool_file: Path
    pool_size: int
    network: str
    bridge: str
    subnet: IPv4Network
    helper: Path

    @staticmethod
    def mark_of(folder: Path) -> str:
        """Return eight hex digits that follow from the path of `folder`."""
        return hashlib.sha256(str(folder).encode()).hexdigest()[:8]


def invocation_script(nodes: Nodes, now: datetime) -> str:
    """Return the script that starts and stops `nodes`, written at `now`."""
    return render(
        "export/documents/fabric_emulation.bash",
        nodes=nodes.number,
        first=node_name(1),
        last=node_name(nodes.number),
        mark=Nodes.mark_of(nodes.folder),
        date=now.strftime("%Y-%m-%d %H:%M"),
        artdir=shlex.quote(str(nodes.folder)),
        memory_mib=nodes.memory // MIB,
        cpus=nodes.cpus,
        pool_file=shlex.quote(str(nodes.pool_file)),
        pool_mib=nodes.pool_size // MIB,
        network=nodes.network,
        bridge=nodes.bridge,
        helper=nodes.helper,
        subnet_prefix=str(nodes.subnet.network_address).rpartition(".")[0],
        cpu=cpu_model(TCG_ADDRESS_BITS),
        translation_cache=TRANSLATION_CACHE,
        network_slot=NETWORK_SLOT,
        pool_slot=POOL_SLOT,
        disk_slot=DISK_SLOT,
        rng_slot=RNG_SLOT,
        stop_timeout=_STOP_TIMEOUT,
    )
