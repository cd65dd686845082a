# SPDX-License-Identifier: GPL-2.0-or-later
"""Give a node its identity and the other nodes' names; its answer proves that the node runs."""

import hashlib
import socket
import time
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.node.node import Node
from famulus.settings.identity import gateway, hosts_file
from famulus.settings.proxy import apt_configuration, from_node
from famulus.transport import ssh
from famulus.transport.agent import (
    BEGAN,
    PLUG,
    SSH_LISTENS,
    GuestFile,
    ask,
    identity_request,
    time_request,
)

_HOME = {"/root": 0, "/home/fabric": 1000}  # home folder and its owner's number
_HOST_KEY = "ssh_host_ed25519_key"
_CLOCK_ERROR = 0.05  # seconds
_CLOCK_TRIES = 20  # on a busy host many requests take too long
_CLOCK_TIMEOUT = 30.0  # seconds


def identify(node: Node, shared: Sequence[GuestFile], timeout: float) -> None:
    """Give the running `node` its identity, and the files that all nodes have in common.

    Guarantees on return that the node answered with its own name, that its ssh server listens and
    that its clock is right. Raises FamulusError with the end of the serial log if it does not
    answer within `timeout` seconds or if its QEMU ends. May be repeated.
    """
    try:
        name = ask(node.socket("agent"), _request(node, shared) + PLUG + SSH_LISTENS, timeout)
        _set_clock(node.socket("agent"))
    except FamulusError as error:
        raise _unanswered(node, error) from error
    check_name(node, name)


def clone_request(node: Node, shared: Sequence[GuestFile]) -> bytes:
    """Return the request that gives a clone its identity, as `identify` does for a booted node.

    The clone's ssh server listens already, and its pool is in place.
    """
    return _request(node, shared) + BEGAN


def check_name(node: Node, name: str) -> None:
    """Raise FamulusError unless `name`, the node's answer, is the node's own name."""
    if name != node.name:
        raise FamulusError(
            f"{node.name} answers as '{name}'", hint="The wrong name is a bug in Famulus."
        )


def _request(node: Node, shared: Sequence[GuestFile]) -> bytes:
    return identity_request(node.identity, machine_id(node), [*shared, *_own_files(node)])


def machine_id(node: Node) -> str:
    """Return the node's machine-id(5), which follows from the node's own host key."""
    return hashlib.sha256(host_key(node).encode()).hexdigest()[:32]


def host_key(node: Node) -> str:
    """Return the node's public ssh host key; the first call makes the key."""
    paths.make_private(node.path)
    return ssh.bare_key(ssh.ensure_key(node.path / _HOST_KEY, node.name))


def shared_files(nodes: Sequence[Node], name_server: IPv4Address) -> list[GuestFile]:
    """Return the files that all of `nodes`, the nodes of one fabric, have in common."""
    folder = nodes[0].folder.path
    private = (folder / "id_ed25519").read_text(encoding="utf-8")
    public = (folder / "id_ed25519.pub").read_text(encoding="utf-8")
    keys = {node.identity: host_key(node) for node in nodes}
    spec = nodes[0].spec
    files = [
        GuestFile("/etc/resolv.conf", f"nameserver {name_server}\n"),
        apt_file(from_node(spec.proxy, gateway(spec.subnet))),
        GuestFile("/etc/ssh/ssh_known_hosts", ssh.known_hosts(keys, by_address=True)),
        GuestFile(
            "/etc/ssh/ssh_config.d/famulus.conf", ssh.node_config(node.number for node in nodes)
        ),
    ]
    for home, uid in _HOME.items():
        files += [
            GuestFile(f"{home}/.ssh/id_ed25519", private, 0o600, uid, uid),
            GuestFile(f"{home}/.ssh/id_ed25519.pub", public, 0o644, uid, uid),
            GuestFile(f"{home}/.ssh/authorized_keys", public, 0o600, uid, uid),
        ]
    return files


def apt_file(proxy: str) -> GuestFile:
    """Return the file with which apt in a node asks `proxy`, or no proxy if that is empty."""
    return GuestFile("/etc/apt/apt.conf.d/90famulus", apt_configuration(proxy))


def disk_files(node: Node) -> list[GuestFile]:
    """Return the files that make a disk the disk of `node`, if no agent gets its identity."""
    return [
        GuestFile("/etc/hostname", f"{node.name}\n"),
        GuestFile("/etc/machine-id", f"{machine_id(node)}\n"),
        *_own_files(node),
    ]


def _own_files(node: Node) -> list[GuestFile]:
    numbers = range(1, node.spec.nodes + 1)
    key = (node.path / _HOST_KEY).read_text(encoding="utf-8")
    return [
        GuestFile("/etc/hosts", hosts_file(node.identity, numbers, socket.gethostname())),
        GuestFile("/etc/ssh/ssh_host_ed25519_key", key, 0o600),
        GuestFile("/etc/ssh/ssh_host_ed25519_key.pub", host_key(node) + "\n"),
    ]


def _set_clock(agent: Path) -> None:
    """Set the node's clock; repeat if the request took so long that the clock is wrong."""
    for _ in range(_CLOCK_TRIES):
        now = time.time()
        ask(agent, time_request(now), _CLOCK_TIMEOUT)
        if time.time() - now < _CLOCK_ERROR:
            return


def _unanswered(node: Node, error: FamulusError) -> FamulusError:
    if node.running():
        hint = (
            f"`famulus console {node.number}` shows the boot live; "
            f"`famulus log {node.number}` has all output."
        )
        if node.spec.accel != "tcg":
            hint += " If KVM is at fault, `--accel tcg` does without."
    else:
        hint = "`famulus doctor` checks whether this host can run nodes."
    return FamulusError(f"{node.name}: {error.brief}", details=node.serial_tail(), hint=hint)
