# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the host's network interfaces, and the addresses that the host reaches through them."""

import socket
import struct
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

_ROUTES = Path("/proc/net/route")
_INTERFACES = Path("/sys/class/net")


def interface_in_the_way(subnet: IPv4Network, but: str, routes: Path = _ROUTES) -> str | None:
    """Return an interface other than `but` through which the host reaches addresses of `subnet`.

    A default route does not count. `routes` is the kernel's table (proc(5), /proc/net/route).
    """
    for line in routes.read_text(encoding="ascii").splitlines()[1:]:
        interface, destination, *_ = fields = line.split()
        network = IPv4Network((_address(destination), str(_address(fields[7]))))
        if interface != but and network.prefixlen and network.overlaps(subnet):
            return interface
    return None


def has_interface(name: str) -> bool:
    """Tell whether the host has an interface called `name`."""
    return (_INTERFACES / name).exists()


def bridge_ports(name: str) -> list[str]:
    """Return the interfaces on the bridge `name`; none if there is no bridge of that name."""
    folder = _INTERFACES / name / "brif"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _address(word: str) -> IPv4Address:
    """Return an address as the kernel prints it: hexadecimal, in the host's byte order."""
    return IPv4Address(socket.inet_ntoa(struct.pack("=L", int(word, 16))))
