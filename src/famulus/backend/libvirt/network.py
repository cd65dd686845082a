# SPDX-License-Identifier: GPL-2.0-or-later
"""Make, extend and remove libvirt's bridged NAT network of a fabric."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from famulus.backend.libvirt import virt
from famulus.backend.libvirt.network_document import (
    address_of,
    missing_names,
    missing_reservations,
    name_entry,
    network_document,
    reservation,
)
from famulus.backend.libvirt.subnet import bridge_ports, has_interface, interface_in_the_way
from famulus.base.errors import FamulusError
from famulus.settings.fabric_name import DEFAULT_NAME
from famulus.settings.identity import Identity, gateway

_NAME = "fabric_emul"  # the name that the 2016 script gave the network
_SSH = 22  # the port of ssh in a node
_LONGEST = 15  # characters of an interface's name (linux/if.h, IFNAMSIZ)


def network_name(fabric: str) -> str:
    """Return the name of the network of the fabric called `fabric`."""
    return _NAME if fabric == DEFAULT_NAME else f"{_NAME}-{fabric}"


def fabric_of(name: str) -> str | None:
    """Return the fabric whose network is called `name`, or None if no fabric's network is."""
    if name == _NAME:
        return DEFAULT_NAME
    prefix = f"{_NAME}-"
    return name.removeprefix(prefix) if name.startswith(prefix) else None


@dataclass(frozen=True)
class NetworkStatus:
    """A fabric's network as libvirt has it; `machines` is the number of machines on its bridge."""

    name: str
    fabric: str
    address: str | None
    bridge: str
    active: bool
    machines: int


def every_network() -> list[NetworkStatus]:
    """Return the fabrics' networks that libvirt has, active or not, by name."""
    with virt.connected() as connection:
        ours = [n for n in connection.listAllNetworks() if fabric_of(n.name()) is not None]
        return sorted(map(_status, ours), key=lambda status: status.name)


def _status(network: Any) -> NetworkStatus:  # noqa: ANN401 - libvirt-python has no types
    return NetworkStatus(
        name=network.name(),
        fabric=fabric_of(network.name()) or "",
        address=address_of(network.XMLDesc()),
        bridge=network.bridgeName(),
        active=bool(network.isActive()),
        machines=len(bridge_ports(network.bridgeName())),
    )


@dataclass(frozen=True)
class LibvirtNetwork:
    """The network called `name` with a reserved address for each of `nodes`; it need not exist.

    See node.backend.Network.
    """

    name: str
    subnet: IPv4Network
    nodes: tuple[Identity, ...]

    @property
    def bridge(self) -> str:
        """The host's interface of the network, at most 15 characters long."""
        short = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        return self.name if len(self.name) <= _LONGEST else f"fabric-{short}"

    @property
    def name_server(self) -> IPv4Address:
        """See Network. The name server is libvirt's dnsmasq on the host."""
        return gateway(self.subnet)

    @property
    def libvirt_name(self) -> str:
        """See Network."""
        return self.name

    def running(self) -> bool:
        """Tell whether libvirt has the network and the network is active."""
        with virt.connected():
            network = virt.find("network", self.name)
            return network is not None and bool(network.isActive())

    def start_switch(self, keep: int) -> None:  # noqa: ARG002 - libvirt keeps no descriptor
        """Start the whole network, which has no switch of its own. See `start`."""
        self.start()

    def keeper(self) -> int | None:
        """See Network."""
        return None

    def start(self) -> None:
        """Make the network, or extend the existing network to `nodes` without a restart.

        Raises FamulusError if its addresses or its bridge's name are in use on the host, or if
        libvirt has the network with other addresses.
        """
        self.require_free()
        with virt.connected() as connection:
            network = virt.find("network", self.name)
            if network is None:
                document = network_document(self.name, self.bridge, self.subnet, self.nodes)
                network = connection.networkDefineXML(document)
            self._extend(network)
            _activate(network)

    def stop(self) -> None:
        """Remove the network unless machines are on it. An `up` that fails calls this."""
        if not bridge_ports(self.bridge):
            self.remove()

    def remove(self) -> bool:
        """Remove the network; tell whether libvirt had it.

        Raises FamulusError if machines are on it.
        """
        network = virt.find("network", self.name)
        if network is None:
            return False
        with virt.connected():
            self._refuse_used(network)
            _remove(network)
        return True

    def forward(self, wanted: Mapping[Identity, int]) -> dict[Identity, int]:  # noqa: ARG002
        """Return no ports: the host reaches the nodes by their addresses."""
        return {}

    def way(self, node: Identity, port: int | None) -> tuple[str, int]:  # noqa: ARG002
        """See Network. The way is the node's own address, which needs no port of the host."""
        return str(node.address), _SSH

    def unforward(self, node: Identity) -> None:
        """Do nothing: no port leads to `node`."""

    def require_free(self) -> None:
        """Raise FamulusError if the network does not run and `start` could not start it."""
        if not self.running():
            self._refuse_conflict()

    def _refuse_used(self, network: Any) -> None:  # noqa: ANN401
        ports = bridge_ports(network.bridgeName())
        if ports:
            machines = "a machine is" if len(ports) == 1 else f"{len(ports)} machines are"
            raise FamulusError(
                f"{machines} on the network {self.name}",
                hint="End the machines first: `famulus down` for nodes; `virsh list` shows all.",
            )

    def _refuse_conflict(self) -> None:
        if has_interface(self.bridge):
            raise FamulusError(
                f"the host has an interface {self.bridge} already, which is not libvirt's",
                hint=f"Take another --fabric, or `ip link delete {self.bridge}`.",
            )
        self.require_free_subnet()

    def require_free_subnet(self) -> None:
        """Raise FamulusError if the host reaches the addresses through another interface."""
        if other := interface_in_the_way(self.subnet, self.bridge):
            raise FamulusError(
                f"{self.subnet} is in use on this host, by its interface {other}",
                hint="Choose another private /24 with --subnet, such as 192.168.43.0/24.",
            )

    def _extend(self, network: Any) -> None:  # noqa: ANN401 - libvirt-python has no types
        document = network.XMLDesc()
        if address_of(document) != str(gateway(self.subnet)):
            raise FamulusError(
                f"libvirt's network {self.name} has the address {address_of(document)}, "
                f"not {gateway(self.subnet)}",
                hint="`famulus network remove` removes a network that you do not need.",
            )
        lib = virt.library()
        for node in missing_reservations(document, self.nodes):
            _add(network, lib.VIR_NETWORK_SECTION_IP_DHCP_HOST, reservation(node))
        for node in missing_names(document, self.nodes):
            _add(network, lib.VIR_NETWORK_SECTION_DNS_HOST, name_entry(node))


def _activate(network: Any) -> None:  # noqa: ANN401
    if not network.isActive():
        network.create()
    if not network.autostart():
        network.setAutostart(1)


def _add(network: Any, section: int, part: str) -> None:  # noqa: ANN401
    """Add `part` of a document to the running network and to its stored definition."""
    lib = virt.library()
    flags = lib.VIR_NETWORK_UPDATE_AFFECT_CONFIG
    if network.isActive():
        flags |= lib.VIR_NETWORK_UPDATE_AFFECT_LIVE
    network.update(lib.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, section, -1, part, flags)


def _remove(network: Any) -> None:  # noqa: ANN401
    if network.isActive():
        network.destroy()
    if network.isPersistent():
        network.undefine()
