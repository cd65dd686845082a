# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that an exported disk needs to boot as a machine outside its fabric."""

from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from famulus.export.image.edit import blank
from famulus.export.subject import Subject
from famulus.node import identify
from famulus.node.node import Node
from famulus.settings.proxy import loopback_port
from famulus.transport.agent import GuestFile

# Nothing in a node fills resolv.conf from DHCP. These name servers answer in QEMU's (and
# VirtualBox's) user network, and in libvirt's default one; the fabric's own is in neither.
_NAME_SERVERS = (IPv4Address("10.0.2.3"), IPv4Address("192.168.122.1"))


def machine_files(subject: Subject, disk: Path) -> list[GuestFile]:
    """Return the files to write to `disk`, the raw copy of the subject's disk.

    A clone gets its files from its agent and writes them to its disk within half a minute. If a
    clone was killed before, these files are blank on its disk; then they are returned, too.
    """
    fabric, node = subject.fabric, subject.node
    if not (fabric and node):
        return [_resolv_conf(_NAME_SERVERS)]
    shared = identify.shared_files(fabric.nodes(), _NAME_SERVERS[0])
    missing = blank(disk, [file.path for file in shared])
    network = fabric.network
    servers = (network.name_server,) if network.libvirt_name else _NAME_SERVERS
    return [
        *(file for file in shared if file.path in missing),
        *_node_files(node),
        _resolv_conf(servers),
        identify.apt_file("" if loopback_port(node.spec.proxy) else node.spec.proxy),
    ]


def _node_files(node: Node) -> list[GuestFile]:
    """Return the files that make a disk the disk of `node`, in any network."""
    hosts = (
        f"127.0.0.1 localhost\n127.0.1.1 {node.name}\n::1 localhost ip6-localhost ip6-loopback\n"
    )
    return [*identify.disk_files(node), GuestFile("/etc/hosts", hosts)]


def _resolv_conf(servers: Sequence[IPv4Address]) -> GuestFile:
    lines = "".join(f"nameserver {address}\n" for address in servers)
    return GuestFile("/etc/resolv.conf", f"{lines}options timeout:1\n")
