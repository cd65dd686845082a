# SPDX-License-Identifier: GPL-2.0-or-later
"""The back end that starts QEMU itself, without root, on a network of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import ClassVar

from famulus.backend.qemu.runner import QemuRunner, qemu_process
from famulus.backend.qemu.user import UserNetwork
from famulus.host.finding import Finding
from famulus.host.programs import Program
from famulus.settings.identity import Identity
from famulus.state.folder import FabricFolder


@dataclass(frozen=True)
class QemuBackend:
    """The QEMU processes of the fabric in `folder`. See node.backend.Backend."""

    folder: FabricFolder
    subnet: IPv4Network

    no_clones: ClassVar[str] = ""
    doorbells: ClassVar[bool] = True
    makes_pools: ClassVar[bool] = False
    programs: ClassVar[tuple[Program, ...]] = ()

    def sockets(self, folder: Path) -> Path:  # noqa: ARG002 - all nodes share one folder
        """See Backend. The folder is short enough for a socket, wherever FAMULUS_HOME lies."""
        return self.folder.sockets

    def runner(self, name: str, folder: Path) -> QemuRunner:
        """See Backend."""
        return QemuRunner(name, folder, self._network())

    def network(self, nodes: Sequence[Identity]) -> UserNetwork:  # noqa: ARG002 - it has no list
        """See Backend."""
        return self._network()

    def findings(self, pool: Path, nodes: Sequence[Identity]) -> list[Finding]:  # noqa: ARG002
        """See Backend. The checks of `host` cover everything that this back end needs."""
        return []

    def end_all(self, folders: Iterable[Path]) -> None:
        """See Backend. The network ends too."""
        for folder in folders:
            qemu_process(folder).kill()
        self._network().stop()

    def forget(self, folder: Path) -> None:
        """See Backend. Nothing of a QEMU that has ended remains outside the node's folder."""
        qemu_process(folder).kill()

    def _network(self) -> UserNetwork:
        return UserNetwork(self.folder.sockets, self.subnet)
