# SPDX-License-Identifier: GPL-2.0-or-later
"""The identity of a node: name and addresses, all of which follow from its number. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from famulus.base.errors import UsageError

MAX_NODES = 64
_GATEWAY_OFFSET = 254
_DNS_OFFSET = 253
_NODE = re.compile(r"(?:fabric)?(\d{1,4})(?:-(?:fabric)?(\d{1,4}))?")


@dataclass(frozen=True)
class Identity:
    """The identity of node `number` (1 … 64) of a fabric on `subnet` (a /24)."""

    number: int
    subnet: IPv4Network

    @property
    def name(self) -> str:
        """The host name, `fabric<number>`."""
        return node_name(self.number)

    @property
    def mac(self) -> str:
        """The MAC address, as in 2016: RTHPE in ASCII, and the number in decimal digits."""
        return f"52:54:48:50:45:{self.number:02}"

    @property
    def address(self) -> IPv4Address:
        """The node's address on the fabric's network."""
        return self.subnet[self.number]


def node_name(number: int) -> str:
    """Return the host name of node `number`."""
    return f"fabric{number}"


def gateway(subnet: IPv4Network) -> IPv4Address:
    """Return the address of the gateway, which is the host (`vmhost`)."""
    return subnet[_GATEWAY_OFFSET]


def name_server(subnet: IPv4Network) -> IPv4Address:
    """Return the address of the name server on the rootless network."""
    return subnet[_DNS_OFFSET]


def hosts_file(me: Identity, numbers: Iterable[int], host_name: str) -> str:
    """Return /etc/hosts for node `me` of a fabric with the nodes `numbers`."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    for number in numbers:
        node = Identity(number, me.subnet)
        lines.append(f"{node.address} {node.name}")
    aliases = "vmhost" if host_name in ("vmhost", "localhost", "") else f"vmhost {host_name}"
    lines.append(f"{gateway(me.subnet)} {aliases}")
    return "\n".join(lines) + "\n"


def parse_nodes(text: str, existing: Iterable[int]) -> list[int]:
    """Return the node numbers that `text` names, sorted, each number once.

    `text` is `1`, `fabric1`, `all`, or a list such as `1-3,5`. Raises UsageError for any other text
    and for a node that is not in `existing`.
    """
    known = sorted(existing)
    wanted = (
        known
        if text == "all"
        else sorted({n for part in text.split(",") for n in _parse_range(part)})
    )
    for number in wanted:
        if number not in known:
            raise UsageError(f"there is no node {node_name(number)}", hint=_which_nodes(known))
    if not wanted:
        raise UsageError("the fabric has no nodes", hint="`famulus up N` starts nodes.")
    return wanted


def _parse_range(part: str) -> range:
    match = _NODE.fullmatch(part.strip())
    numbers = range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)
    if not numbers:  # also for a range that runs backwards
        raise UsageError(
            f"'{part}' does not name a node", hint="Write 1, fabric1, all, or a list such as 1-3,5."
        )
    return numbers


def _which_nodes(known: list[int]) -> str:
    if not known:
        return "The fabric has no nodes; `famulus up N` starts nodes."
    return "The nodes are " + ", ".join(node_name(number) for number in known) + "."
