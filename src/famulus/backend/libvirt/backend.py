# SPDX-License-Identifier: GPL-2.0-or-later
"""The back end that has libvirt run nodes as domains, on a bridged network."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import ClassVar

from famulus.backend.libvirt import domain
from famulus.backend.libvirt.host import PROGRAMS, check_libvirt
from famulus.backend.libvirt.network import LibvirtNetwork, network_name
from famulus.backend.libvirt.runner import DomainRunner
from famulus.base.errors import FamulusError
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
    makes_pools: ClassVar[bool] = True
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

    def findings(self, pool: Path, nodes: Sequence[Identity]) -> list[Finding]:
        """See Backend."""
        found = check_libvirt(pool)
        if any(finding.level == "error" for finding in found):
            return found
        obstacles = {
            "network": _obstacle(self.network(nodes).require_free),
            "domains": _obstacle(lambda: self._require_startable(nodes)),
        }
        errors = [(name, error) for name, error in obstacles.items() if error]
        return [
            *found,
            *(Finding(name, "error", error.brief, error.hint) for name, error in errors),
        ]

    def _require_startable(self, nodes: Sequence[Identity]) -> None:
        for node in nodes:
            folder = self.folder.node(node.number)
            name = self.runner(node.name, folder).name
            domain.require_startable(folder, name, folder / f"{node.name}.agent")

    def end_all(self, folders: Iterable[Path]) -> None:
        """See Backend. The network stays."""
        for folder in folders:
            domain.kill(folder)

    def forget(self, folder: Path) -> None:
        """See Backend."""
        domain.forget(folder)


def _obstacle(require: Callable[[], None]) -> FamulusError | None:
    """Return the error that `require` raises, which a start would raise later."""
    try:
        require()
    except FamulusError as error:
        return error
    return None
