# SPDX-License-Identifier: GPL-2.0-or-later
"""Set the passwords of a node where they differ from the template's."""

import hashlib

from famulus.base.files import write_private
from famulus.node.node import Node
from famulus.settings.spec import FabricSpec
from famulus.transport.agent import ask, password_request

_TIMEOUT = 60.0  # seconds


def ensure(node: Node) -> None:
    """Set the passwords that the spec asks for, unless the node's disk has them already."""
    wanted = _mark(node.spec)
    if _present(node) == wanted:
        return
    passwords = {"root": node.spec.root_password, "fabric": node.spec.fabric_password}
    ask(node.socket("agent"), password_request(passwords), _TIMEOUT)
    write_private(node.path / "passwords", wanted)


def _present(node: Node) -> str:
    try:
        return (node.path / "passwords").read_text(encoding="ascii")
    except FileNotFoundError:
        return _mark(FabricSpec())


def _mark(spec: FabricSpec) -> str:
    return hashlib.sha256(f"{spec.root_password}\n{spec.fabric_password}".encode()).hexdigest()
