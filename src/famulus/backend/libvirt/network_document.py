# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's document about the bridged network, and the entries that a document lacks. Pure.

The format is https://libvirt.org/formatnetwork.html.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network
from xml.etree import ElementTree as ET

from famulus.base.render import render
from famulus.settings.identity import Identity, gateway

# Machines that are no nodes get addresses above those of the nodes.
_FIRST_GUEST, _LAST_GUEST = 100, 250


def network_document(name: str, bridge: str, subnet: IPv4Network, nodes: Sequence[Identity]) -> str:
    """Return the document of a NAT network with a reservation and a name for each of `nodes`."""
    return render(
        "backend/libvirt/documents/network.xml",
        name=name,
        bridge=bridge,
        gateway=gateway(subnet),
        netmask=subnet.netmask,
        first=subnet[_FIRST_GUEST],
        last=subnet[_LAST_GUEST],
        nodes=nodes,
    )


def missing_reservations(document: str, nodes: Sequence[Identity]) -> list[Identity]:
    """Return those of `nodes` for which the network of `document` reserves no address."""
    hosts = ET.fromstring(document).iterfind("./ip/dhcp/host")  # noqa: S314 - libvirt's own
    known = {(host.get("mac"), host.get("ip"), host.get("name")) for host in hosts}
    return [node for node in nodes if (node.mac, str(node.address), node.name) not in known]


def missing_names(document: str, nodes: Sequence[Identity]) -> list[Identity]:
    """Return those of `nodes` whose names the network of `document` does not know."""
    hosts = ET.fromstring(document).iterfind("./dns/host")  # noqa: S314
    known = {(host.get("ip"), host.findtext("hostname")) for host in hosts}
    return [node for node in nodes if (str(node.address), node.name) not in known]


def address_of(document: str) -> str | None:
    """Return the host's address on the network of `document`, or None if it has none."""
    found = ET.fromstring(document).find("./ip")  # noqa: S314
    return found.get("address") if found is not None else None


def reservation(node: Identity) -> str:
    """Return the part of a document that reserves `node` its address."""
    return f"<host mac='{node.mac}' name='{node.name}' ip='{node.address}'/>"


def name_entry(node: Identity) -> str:
    """Return the part of a document that maps the name of `node` to its address."""
    return f"<host ip='{node.address}'><hostname>{node.name}</hostname></host>"
