# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes as domains of libvirt: defined, started, forgotten."""

import os
import uuid
from pathlib import Path
from typing import Any

from famulus.backend.libvirt import virt
from famulus.backend.libvirt.domain_document import Place, domain_document
from famulus.backend.qemu.disk import backing_chain
from famulus.base.errors import FamulusError
from famulus.base.files import write_private
from famulus.host.accelerator import Accelerator
from famulus.node.machine import machine, note_settings
from famulus.node.node import Node

_LONGEST_SOCKET = 107  # bytes of a socket's path, unix(7)


def start(node: Node, network: str, pool_file: Path, accel: Accelerator) -> None:
    """Have libvirt boot the node from its own disk, on its network called `network`.

    Raises FamulusError with libvirt's words if it refuses, or if a domain of that name is somebody
    else's; nothing runs then.
    """
    document = _document(node, network, pool_file, accel)
    _refuse_stranger(node)
    _refuse_long_path(node.socket("agent"))
    _clear(node)
    note_settings(node, accel)
    with virt.connected() as connection:
        domain = connection.defineXML(document)
        write_private(node.path / "domain", node.domain + "\n")
        domain.create()


def kill(folder: Path) -> None:
    """End the domain of the node whose folder is `folder`. Nothing happens if there is none."""
    domain = _find(folder)
    if domain is not None:
        with virt.connected():
            if domain.isActive():
                domain.destroy()


def forget(folder: Path) -> None:
    """Have libvirt forget the node whose folder is `folder`, running or not."""
    kill(folder)
    domain = _find(folder)
    if domain is not None:
        lib = virt.library()
        kept = lib.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | lib.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        with virt.connected():
            domain.undefineFlags(kept)  # libvirt refuses to forget them without being told to
    (folder / "domain").unlink(missing_ok=True)


def console_command(name: str) -> list[str]:
    """Return the command that attaches the user's terminal to the console of domain `name`.

    It is left with Ctrl-].
    """
    return ["virsh", "--quiet", "--connect", virt.uri(), "console", name]


def _find(folder: Path) -> Any | None:  # noqa: ANN401 - libvirt-python has no types
    """Return the domain of the node whose folder is `folder`, if it ever was one and still is."""
    try:
        name = (folder / "domain").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    domain = virt.find("domain", name)
    return domain if domain and domain.UUIDString() == domain_uuid(folder) else None


def domain_uuid(folder: Path) -> str:
    """Return the UUID of the domain of the node whose folder is `folder`."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, folder.as_uri()))


def _document(node: Node, network: str, pool_file: Path, accel: Accelerator) -> str:
    place = Place(
        name=node.domain,
        uuid=domain_uuid(node.path),
        network=network,
        backing=backing_chain(node.disk),
        agent=node.socket("agent"),
        serial_log=node.serial_log,
        owner=(os.getuid(), os.getgid()),
    )
    return domain_document(machine(node, pool_file, accel), place)


def _refuse_stranger(node: Node) -> None:
    domain = virt.find("domain", node.domain)
    if domain is not None and domain.UUIDString() != domain_uuid(node.path):
        raise FamulusError(
            f"libvirt has a domain {node.domain} already, which is not this fabric's",
            hint=f"`virsh undefine {node.domain}` if nobody needs it, or take another --fabric.",
        )


def _refuse_long_path(socket: Path) -> None:
    if len(os.fsencode(socket)) > _LONGEST_SOCKET:
        raise FamulusError(
            f"{socket} is too long for a socket, which has {_LONGEST_SOCKET} bytes at most",
            hint="Set FAMULUS_HOME to a shorter path.",
        )


def _clear(node: Node) -> None:
    """Make room for what libvirt and QEMU open: the log is ours to read, the socket is new.

    libvirtd makes the socket as root, for its owner and its group. It has the group of its folder.
    """
    node.path.chmod(0o2700)
    write_private(node.serial_log, "")
    node.socket("agent").unlink(missing_ok=True)
