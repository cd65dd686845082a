# SPDX-License-Identifier: GPL-2.0-or-later
"""The identities of nodes, and the ways to name nodes."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from famulus.base.errors import UsageError
from famulus.settings.identity import (
    MAX_NODES,
    Identity,
    gateway,
    hosts_file,
    name_server,
    parse_nodes,
)

NET = IPv4Network("192.168.42.0/24")


def test_identity_follows_from_the_number():
    node = Identity(10, NET)
    assert node.name == "fabric10"
    assert node.mac == "52:54:48:50:45:10"
    assert bytes.fromhex(node.mac.replace(":", ""))[:5] == b"RTHPE"
    assert node.address == IPv4Address("192.168.42.10")


def test_no_two_nodes_share_an_address():
    nodes = [Identity(number, NET) for number in range(1, MAX_NODES + 1)]
    taken = {gateway(NET), name_server(NET), NET.network_address, NET.broadcast_address}
    assert len({node.mac for node in nodes}) == MAX_NODES
    assert len({node.address for node in nodes} - taken) == MAX_NODES


def test_hosts_file_has_all_nodes_and_the_host():
    assert hosts_file(Identity(1, NET), [1, 2], "laptop").splitlines() == [
        "127.0.0.1 localhost",
        "::1 localhost ip6-localhost ip6-loopback",
        "192.168.42.1 fabric1",
        "192.168.42.2 fabric2",
        "192.168.42.254 vmhost laptop",
    ]


@pytest.mark.parametrize("name", ["", "localhost", "vmhost"])
def test_hosts_file_has_no_second_name_for_a_nameless_host(name):
    assert hosts_file(Identity(1, NET), [1], name).endswith("192.168.42.254 vmhost\n")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1", [1]),
        ("fabric3", [3]),
        ("all", [1, 2, 3, 5]),
        ("1-3", [1, 2, 3]),
        ("fabric1-fabric2,5", [1, 2, 5]),
        ("3,1,3", [1, 3]),
        ("1, 2", [1, 2]),
    ],
)
def test_right_text_names_nodes(text, numbers):
    assert parse_nodes(text, [5, 3, 2, 1]) == numbers


@pytest.mark.parametrize(
    "text", ["", "x", "fabric", "node1", "1-", "-1", "1,", "1..3", "../1", "3-1"]
)
def test_wrong_text_names_no_node(text):
    with pytest.raises(UsageError, match="does not name a node") as caught:
        parse_nodes(text, [1, 2, 3])
    assert "1-3,5" in caught.value.hint


@pytest.mark.parametrize("text", ["4", "fabric4", "1-9999", "0"])
def test_refusal_of_an_unknown_node_lists_the_known_ones(text):
    with pytest.raises(UsageError, match="there is no node fabric") as caught:
        parse_nodes(text, [1, 2])
    assert "fabric1, fabric2" in caught.value.hint


def test_all_of_no_nodes_is_refused():
    with pytest.raises(UsageError, match="has no nodes"):
        parse_nodes("all", [])
