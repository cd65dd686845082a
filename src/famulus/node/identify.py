# SPDX-License-Identifier: GPL-2.0-or-later
"""Tell a node who it is and whom it knows, and thereby learn that it lives."""

import hashlib
import socket
from collections.abc import Sequence

from famulus import ssh
from famulus.agent import GuestFile, ask, identity_request
from famulus.errors import FamulusError
from famulus.identity import hosts_file, name_server
from famulus.node.node import Node
from famulus.process import Daemon
from famulus.waiting import pause, wait_until

_HOME = {"/root": 0, "/home/fabric": 1000}  # home folder and its owner's number
_SSH_LIMIT = 60.0


def identify(node: Node, numbers: Sequence[int], limit: float) -> None:
    """Make the running `node` itself, knowing the nodes `numbers`; wait until ssh is ready.

    Guarantees on return that the node answered with its own name. Raises FamulusError with the end
    of the serial log if it does not within `limit` seconds or if its QEMU ends. May be repeated.
    """
    request = identity_request(node.identity, machine_id(node), guest_files(node, numbers))
    try:
        name = ask(node.socket("agent"), request, limit)
    except FamulusError as error:
        raise _unanswered(node, error) from error
    if name != node.name:
        raise FamulusError(f"{node.name} answers as '{name}'", hint="This is a bug in Famulus.")


def machine_id(node: Node) -> str:
    """Return the node's machine-id(5): it follows from the node's own host key."""
    return hashlib.sha256(host_key(node).encode()).hexdigest()[:32]


def host_key(node: Node) -> str:
    """Return the node's public ssh host key, made at its first use."""
    return ssh.bare_key(ssh.ensure_key(node.path / "ssh_host_ed25519_key", node.name))


def guest_files(node: Node, numbers: Sequence[int]) -> list[GuestFile]:
    """Return the files that differ from node to node, or from fabric to fabric."""
    folder = node.folder.path
    private = (folder / "id_ed25519").read_text(encoding="utf-8")
    public = (folder / "id_ed25519.pub").read_text(encoding="utf-8")
    key = node.path / "ssh_host_ed25519_key"
    others = {Node(node.folder, n, node.spec).identity: _key_of(node, n) for n in numbers}
    files = [
        GuestFile("/etc/hosts", hosts_file(node.identity, numbers, socket.gethostname())),
        GuestFile("/etc/resolv.conf", f"nameserver {name_server(node.spec.subnet)}\n"),
        GuestFile("/etc/ssh/ssh_host_ed25519_key", key.read_text(encoding="utf-8"), 0o600),
        GuestFile("/etc/ssh/ssh_host_ed25519_key.pub", host_key(node) + "\n"),
        GuestFile("/etc/ssh/ssh_known_hosts", ssh.known_hosts(others, by_address=True)),
        GuestFile("/etc/ssh/ssh_config.d/famulus.conf", ssh.NODE_CONFIG),
    ]
    for home, uid in _HOME.items():
        files += [
            GuestFile(f"{home}/.ssh/id_ed25519", private, 0o600, uid, uid),
            GuestFile(f"{home}/.ssh/id_ed25519.pub", public, 0o644, uid, uid),
            GuestFile(f"{home}/.ssh/authorized_keys", public, 0o600, uid, uid),
        ]
    return files


def _key_of(node: Node, number: int) -> str:
    return host_key(Node(node.folder, number, node.spec))


def wait_for_ssh(node: Node, port: int) -> None:
    """Wait until the node's sshd greets through the forwarded `port`."""
    wait_until(
        f"the ssh server of {node.name}",
        lambda: _greets(node.qemu, port),
        limit=_SSH_LIMIT,
        interval=0.1,
        hint=f"`famulus log {node.number}` shows what the node printed.",
    )


def _greets(qemu: Daemon, port: int) -> bool:
    if not qemu.running():
        raise FamulusError("the node's QEMU has ended")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        pause(0)
        return False


def _unanswered(node: Node, error: FamulusError) -> FamulusError:
    if node.qemu.running():
        hint = (
            f"`famulus console {node.number}` shows it live; `famulus log {node.number}` has all."
        )
        if node.spec.accel != "tcg":
            hint += " If KVM is at fault, `--accel tcg` does without."
    else:
        hint = f"QEMU's own last words, if any, are in {node.path / 'qemu.log'}."
    return FamulusError(f"{node.name}: {error.brief}", details=node.serial_tail(), hint=hint)
