# SPDX-License-Identifier: GPL-2.0-or-later
"""The addresses and interfaces that the host uses, from the kernel's tables."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from famulus.backend.libvirt import subnet
from famulus.backend.libvirt.subnet import bridge_ports, has_interface, interface_in_the_way

# Columns as in the kernel's own table, addresses in the byte order of x86-64.
ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0102A8C0	0003	0	0	0	00000000	0	0	0
eth0	0002A8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
fabric_emul	002AA8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
tun0	0000000A	00000000	0001	0	0	0	000000FF	0	0	0
"""


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    file = tmp_path / "route"
    file.write_text(ROUTES, encoding="ascii")
    return file


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("192.168.42.0/24", "fabric_emul"),
        ("192.168.2.0/24", "eth0"),
        ("10.77.1.0/24", "tun0"),  # inside a larger one
        ("192.168.43.0/24", None),  # only the default route leads there
    ],
)
def test_overlapping_addresses_are_in_the_way(wanted: str, found: str | None, routes: Path) -> None:
    assert interface_in_the_way(IPv4Network(wanted), "none", routes) == found


def test_the_fabrics_own_bridge_is_not_in_the_way(routes: Path) -> None:
    assert interface_in_the_way(IPv4Network("192.168.42.0/24"), "fabric_emul", routes) is None


def test_without_routes_nothing_is_in_the_way(tmp_path: Path) -> None:
    file = tmp_path / "route"
    file.write_text(ROUTES.splitlines(keepends=True)[0], encoding="ascii")
    assert interface_in_the_way(IPv4Network("192.168.42.0/24"), "none", file) is None


def test_interfaces_and_ports_of_a_bridge_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subnet, "_INTERFACES", tmp_path)
    for port in ("vnet1", "vnet0"):
        (tmp_path / "br0" / "brif" / port).mkdir(parents=True)
    (tmp_path / "eth0").mkdir()
    assert has_interface("eth0")
    assert not has_interface("eth1")
    assert bridge_ports("br0") == ["vnet0", "vnet1"]
    assert bridge_ports("eth0") == bridge_ports("none") == []
