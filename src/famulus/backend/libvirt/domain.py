# SPDX-License-Identifier: GPL-2.0-or-later
"""Define, start, end and undefine the libvirt domain of a node."""

import os
import uuid
from pathlib import Path
from typing import Any

from famulus.backend.disk import backing_chain
from famulus.backend.libvirt import virt
from famulus.backend.libvirt.domain_document import Place, domain_document
from famulus.backend.machine import Machine
from famulus.base.errors import FamulusError
from famulus.base.files import write_private

_LONGEST_SOCKET = 107  # bytes of a socket's path, unix(7)


def start(machine: Machine, name: str, network: str) -> None:
    """Have libvirt boot `machine` from its disk, as the domain `name` on the network `network`.

    Raises FamulusError with libvirt's words if libvirt refuses, or if another owner has a domain of
    that name; nothing runs then.
    """
    document = _document(machine, name, network)
    agent = machine.socket("agent")
    require_startable(machine.folder, name, agent)
    _clear(machine, agent)
    with virt.connected() as connection:
        domain = connection.defineXML(document)
        write_private(machine.folder / "domain", name + "\n")
        domain.create()


def kill(folder: Path) -> None:
    """End the domain of the node in `folder` at once. Nothing happens if no domain runs."""
    domain = _find(folder)
    if domain is not None:
        with virt.connected():
            if domain.isActive():
                domain.destroy()


def forget(folder: Path) -> None:
    """End and undefine the domain of the node in `folder`. Nothing happens if there is none."""
    kill(folder)
    domain = _find(folder)
    if domain is not None:
        lib = virt.library()
        kept = lib.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | lib.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        with virt.connected():
            domain.undefineFlags(kept)  # without the flags libvirt refuses if it keeps any of them
    (folder / "domain").unlink(missing_ok=True)


def console_command(name: str) -> list[str]:
    """Return the command that attaches the user's terminal to the console of domain `name`.

    Ctrl-] leaves the console.
    """
    return ["virsh", "--quiet", "--connect", virt.uri(), "console", name]


def _find(folder: Path) -> Any | None:  # noqa: ANN401 - libvirt-python has no types
    """Return the domain that Famulus defined for the node in `folder`, or None if there is none."""
    try:
        name = (folder / "domain").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    domain = virt.find("domain", name)
    return domain if domain and domain.UUIDString() == domain_uuid(folder) else None


def domain_uuid(folder: Path) -> str:
    """Return the UUID of the domain of the node in `folder`."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, folder.as_uri()))


def _document(machine: Machine, name: str, network: str) -> str:
    place = Place(
        name=name,
        uuid=domain_uuid(machine.folder),
        network=network,
        backing=backing_chain(machine.disk),
        agent=machine.socket("agent"),
        serial_log=machine.serial_log,
        owner=(os.getuid(), os.getgid()),
    )
    return domain_document(machine, place)


def require_startable(folder: Path, name: str, agent: Path) -> None:
    """Raise FamulusError if `start` would refuse the domain `name` of the node in `folder`.

    `agent` is the socket of the node's agent.
    """
    _refuse_stranger(folder, name)
    _refuse_long_path(agent)


def _refuse_stranger(folder: Path, name: str) -> None:
    domain = virt.find("domain", name)
    if domain is not None and domain.UUIDString() != domain_uuid(folder):
        raise FamulusError(
            f"libvirt has a domain {name} already, which is not this fabric's",
            hint=f"`virsh undefine {name}` if nobody needs the domain, or take another --fabric.",
        )


def _refuse_long_path(socket: Path) -> None:
    if len(os.fsencode(socket)) > _LONGEST_SOCKET:
        raise FamulusError(
            f"{socket} is too long for a socket, which has {_LONGEST_SOCKET} bytes at most",
            hint="Set FAMULUS_HOME to a shorter path.",
        )


def _clear(machine: Machine, agent: Path) -> None:
    """Make a serial log that the user may read, and room for a new socket of the agent.

    libvirtd makes the socket as root, for the socket's owner and group. The socket gets the group
    of its folder.
    """
    machine.folder.chmod(0o2700)
    write_private(machine.serial_log, "")
    agent.unlink(missing_ok=True)
