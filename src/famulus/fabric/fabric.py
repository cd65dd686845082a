# SPDX-License-Identifier: GPL-2.0-or-later
"""One fabric: what is stored of it, its nodes, its network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from famulus.backend.libvirt.network import LibvirtNetwork, network_name
from famulus.backend.qemu.user import UserNetwork
from famulus.base.errors import UsageError
from famulus.base.events import Events
from famulus.node.node import Node
from famulus.pool.file import pool_path
from famulus.settings.identity import MAX_NODES, parse_nodes
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record

_SSH = 22


@dataclass(frozen=True)
class Fabric:
    """A fabric as it is stored on disk; `open_fabric` and `up` make these."""

    folder: FabricFolder
    record: Record

    @property
    def spec(self) -> FabricSpec:
        """What the fabric shall be."""
        return self.record.spec

    @property
    def network(self) -> UserNetwork | LibvirtNetwork:
        """The fabric's network."""
        if self.spec.network == "libvirt":
            nodes = tuple(node.identity for node in self.nodes())
            return LibvirtNetwork(network_name(self.folder.name), self.spec.subnet, nodes)
        return UserNetwork(self.folder.sockets, self.spec.subnet)

    @property
    def pool(self) -> Path:
        """The file of the pool."""
        return pool_path(self.folder.name, self.spec)

    @property
    def ssh_config(self) -> Path:
        """The ssh_config that leads to the nodes."""
        return self.folder.path / "ssh_config"

    @property
    def ways(self) -> dict[int, tuple[str, int]]:
        """The address and port at which the host reaches the ssh of each node that has one."""
        if self.spec.network == "libvirt":
            return {node.number: (str(node.identity.address), _SSH) for node in self.nodes()}
        ports = self.record.ports
        return {number: ("127.0.0.1", ports[number]) for number in self.numbers if number in ports}

    @property
    def numbers(self) -> range:
        """The numbers of the nodes that the fabric shall have."""
        return range(1, self.spec.nodes + 1)

    def node(self, number: int) -> Node:
        """Return node `number`."""
        return Node(self.folder, number, self.spec)

    def nodes(self) -> list[Node]:
        """Return the nodes that the fabric shall have, running or not."""
        return [self.node(number) for number in self.numbers]

    def surplus(self) -> list[Node]:
        """Return the nodes that run though the fabric shall not have them."""
        beyond = (self.node(number) for number in range(self.spec.nodes + 1, MAX_NODES + 1))
        return [node for node in beyond if node.running()]

    def alive(self) -> bool:
        """Tell whether any node runs."""
        return any(node.running() for node in [*self.nodes(), *self.surplus()])

    def select(self, text: str) -> list[Node]:
        """Return the nodes that `text` names, see `identity.parse_nodes`."""
        return [self.node(number) for number in parse_nodes(text, self.numbers)]

    def select_one(self, text: str) -> Node:
        """Return the one node that `text` names. Raises UsageError if it names several."""
        nodes = self.select(text)
        if len(nodes) > 1:
            raise UsageError(
                f"'{text}' names {len(nodes)} nodes, where one is meant",
                hint="`famulus exec` runs a command in many.",
            )
        return nodes[0]


def open_fabric(name: str) -> Fabric:
    """Return the fabric `name`. Raises FamulusError if there is none."""
    folder = FabricFolder(name)
    return Fabric(folder, folder.read())


@contextmanager
def locked(folder: FabricFolder, events: Events) -> Iterator[None]:
    """Hold the fabric's lock; tell the user if somebody else has it."""
    with folder.lock(lambda holder: events.note(f"waiting for {holder}")):
        yield
