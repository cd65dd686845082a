# SPDX-License-Identifier: GPL-2.0-or-later
"""The back end that has libvirt run nodes as domains, on a bridged network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import ClassVar

from famulus.backend.libvirt import domain
from famulus.backend.libvirt.host import PROGRAMS, check_libvirt
from famulus.backend.libvirt.network import LibvirtNetwork, network_name
from famulus.backend.libvirt.runner import DomainRunner
from famulus.host.finding import Finding
from famulus.host.programs import Program
from famulus.settings.fabric_name import DEFAULT_NAME
from famulus.settings.identity import Identity
from famulus.state.folder import FabricFolder


@dataclass(frozen=True)
class LibvirtBackend:
    """The domains of the fabric in `folder`. See node.backend.Backend."""

    folder: FabricFolder
    subnet: IPv4Network

    no_clones: ClassVar[str] = "libvirt restores only what it has saved"
    doorbells: ClassVar[bool] = False
    programs: ClassVar[tuple[Program, ...]] = PROGRAMS

    def sockets(self, folder: Path) -> Path:
        """See Backend. libvirt starts domains by itself at the host's boot, which empties /tmp."""
        return folder

    def runner(self, name: str, folder: Path) -> DomainRunner:
        """See Backend."""
        fabric = self.folder.name
        known_as = name if fabric == DEFAULT_NAME else f"{fabric}-{name}"
        return DomainRunner(known_as, folder, network_name(fabric))

    def network(self, nodes: Sequence[Identity]) -> LibvirtNetwork:
        """See Backend."""
        return LibvirtNetwork(network_name(self.folder.name), self.subnet, tuple(nodes))

    def findings(self, pool: Path) -> list[Finding]:
        """See Backend."""
        return check_libvirt(pool)

    def end_all(self, folders: Iterable[Path]) -> None:
        """See Backend. The network stays."""
        for folder in folders:
            domain.kill(folder)

    def forget(self, folder: Path) -> None:
        """See Backend."""
        domain.forget(folder)
