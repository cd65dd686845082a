# SPDX-License-Identifier: GPL-2.0-or-later
"""Argument lists and documents of the switch and the gateway. Pure."""

import re
from ipaddress import IPv4Network
from pathlib import Path

from famulus.settings.identity import gateway, name_server

# A frame for an address that the switch forgot goes to all nodes and wakes them. So the switch does
# not forget addresses by their age (seconds; 31 years).
SWITCH_RC = "hash/setexpire 1000000000\n"

_PORTS = 80  # 64 nodes, the gateway, and some to spare
_DHCP_START = 100
_FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+([\d.]+)\s+22\b")


def switch_arguments(folder: Path, rc: Path, pidfile: Path) -> list[str]:
    """Return the arguments that start the switch with its sockets in `folder`."""
    return [
        "vde_switch",
        "--sock", str(folder),
        "--dirmode", "700",
        "--mode", "600",
        "--numports", str(_PORTS),
        "--rcfile", str(rc),
        "--pidfile", str(pidfile),
        "--daemon",
    ]  # fmt: skip


def gateway_arguments(subnet: IPv4Network, frames: int, monitor: Path, pidfile: Path) -> list[str]:
    """Return the arguments that start the gateway, a QEMU without a machine: DHCP, DNS and NAT.

    `frames` is the file descriptor of the gateway's cable, see backend.qemu.cable.
    """
    nat = (
        f"user,id=nat,ipv6=off,net={subnet},host={gateway(subnet)},dns={name_server(subnet)},"
        f"dhcpstart={subnet[_DHCP_START]}"
    )
    return [
        "qemu-system-x86_64",
        "-name", "gateway,process=famulus-gateway",
        "-machine", "none",
        "-nodefaults", "-no-user-config",
        "-display", "none",
        "-netdev", nat,
        "-netdev", "hubport,id=inner,hubid=0,netdev=nat",
        "-netdev", f"dgram,id=wire,local.type=fd,local.str={frames}",
        "-netdev", "hubport,id=outer,hubid=0,netdev=wire",
        "-qmp", f"unix:{monitor},server=on,wait=off",
        "-pidfile", str(pidfile),
        "-daemonize",
    ]  # fmt: skip


def parse_forwards(usernet: str) -> dict[str, int]:
    """Return the host's port to the ssh of each address, from the monitor's `info usernet`."""
    return {address: int(port) for port, address in _FORWARD.findall(usernet)}
