# SPDX-License-Identifier: GPL-2.0-or-later
"""One fabric: its stored record, its back end, its nodes, its network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from famulus.base.errors import UsageError
from famulus.base.events import Events
from famulus.base.held import held_by
from famulus.coherence.caches import Caches
from famulus.fabric.backends import choose
from famulus.node.backend import Backend, Network, clones, rings
from famulus.node.node import Node
from famulus.pool import mark
from famulus.pool.file import Pool
from famulus.pool.place import shared_place
from famulus.settings.identity import MAX_NODES, node_name, parse_nodes
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus.transport.ssh import CONFIG_NAME


@dataclass(frozen=True)
class Fabric:
    """A fabric as it is stored on disk; `open_fabric` and `up` make these."""

    folder: FabricFolder
    record: Record

    @property
    def spec(self) -> FabricSpec:
        """The settings of the fabric."""
        return self.record.spec

    @cached_property
    def backend(self) -> Backend:
        """The back end that runs the nodes and the network."""
        return choose(self.folder, self.spec)

    @property
    def network(self) -> Network:
        """The fabric's network."""
        return self.backend.network([node.identity for node in self.nodes()])

    @property
    def clones(self) -> bool:
        """Whether new nodes are cloned."""
        return clones(self.spec, self.backend)

    @property
    def rings(self) -> bool:
        """Whether nodes get a doorbell."""
        return rings(self.spec, self.backend)

    @cached_property
    def pool(self) -> Pool:
        """The pool: while nodes run, the file that they hold, also if its name is gone."""
        path = self.spec.pool_file or self.record.pool or shared_place(self.folder.name)
        return Pool(path, held_by(self._holders(), path, mark.inode_of(path)))

    def _holders(self) -> Iterator[int]:
        """Yield the processes that may hold the pool's file."""
        numbers = [n for n in range(1, MAX_NODES + 1) if self.folder.node(n).is_dir()]
        for number in numbers:
            pid = self.backend.runner(node_name(number), self.folder.node(number)).pid()
            if pid:
                yield pid
        if numbers and (keeper := self.backend.network(()).keeper()):
            yield keeper

    @property
    def caches(self) -> Caches:
        """The nodes' caches; their files exist only if nodes have the plugin."""
        return Caches(self.pool.path, self.pool.held)

    @property
    def ssh_config(self) -> Path:
        """The ssh_config file for the nodes."""
        return self.folder.path / CONFIG_NAME

    @property
    def ways(self) -> dict[int, tuple[str, int]]:
        """The address and port at which the host reaches the ssh of each node that has one."""
        network, ports = self.network, self.record.ports
        ways = {n.number: network.way(n.identity, ports.get(n.number)) for n in self.nodes()}
        return {number: way for number, way in ways.items() if way}

    @property
    def numbers(self) -> range:
        """The numbers of the nodes that the fabric shall have."""
        return range(1, self.spec.nodes + 1)

    def node(self, number: int) -> Node:
        """Return node `number`."""
        return Node(self.folder, number, self.spec, self.backend, self.pool)

    def nodes(self) -> list[Node]:
        """Return the nodes that the fabric shall have, running or not."""
        return [self.node(number) for number in self.numbers]

    def surplus(self) -> list[Node]:
        """Return the running nodes whose numbers are above the number of nodes in the settings."""
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
                f"'{text}' names {len(nodes)} nodes, but the command takes a single node",
                hint="`famulus exec` runs a command in many nodes.",
            )
        return nodes[0]


def open_fabric(name: str) -> Fabric:
    """Return the fabric `name`. Raises FamulusError if there is none."""
    folder = FabricFolder(name)
    return Fabric(folder, folder.read())


@contextmanager
def locked(folder: FabricFolder, events: Events) -> Iterator[None]:
    """Hold the fabric's lock; tell the user if another process has it."""
    with folder.lock(lambda holder: events.note(f"waiting for {holder}")):
        yield
