# SPDX-License-Identifier: GPL-2.0-or-later
"""The user's order to `configure`, and the nodes, network and script that follow from it."""

from dataclasses import dataclass

from famulus.backend.libvirt import bridge
from famulus.backend.libvirt.network import LibvirtNetwork, network_name
from famulus.export.artifacts import Artifacts
from famulus.export.script import Nodes
from famulus.fabric.fabric import Fabric
from famulus.fabric.pools import chosen_place
from famulus.node.node import Node
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record


@dataclass(frozen=True)
class Order:
    """The user's order.

    `fabric` names the network and the pool. `reuse` says whether to use the template in the folder
    again; with None the user is asked. `prune` removes disks of nodes above the wanted number.
    """

    fabric: str
    spec: FabricSpec
    artifacts: Artifacts
    reuse: bool | None = None
    prune: bool = False

    @property
    def script(self) -> Nodes:
        """The nodes as the script starts them."""
        network = self.network
        return Nodes(
            number=self.spec.nodes,
            folder=self.artifacts.folder,
            memory=self.spec.memory,
            cpus=self.spec.cpus,
            pool_file=chosen_place(FabricFolder(self.fabric), self.spec),
            pool_size=self.spec.pool,
            network=network.name,
            bridge=network.bridge,
            subnet=self.spec.subnet,
            helper=bridge.HELPER,
        )

    @property
    def network(self) -> LibvirtNetwork:
        """The network of the nodes."""
        nodes = tuple(node.identity for node in self.nodes)
        return LibvirtNetwork(network_name(self.fabric), self.spec.subnet, nodes)

    @property
    def nodes(self) -> list[Node]:
        """The nodes; the path of the artifacts decides in which folder their keys lie."""
        mark = Nodes.mark_of(self.artifacts.folder)
        return Fabric(FabricFolder(f"artdir-{mark}"), Record(self.spec, "")).nodes()
