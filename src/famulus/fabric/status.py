# SPDX-License-Identifier: GPL-2.0-or-later
"""The state of a fabric, from its running processes."""

from dataclasses import asdict, dataclass
from typing import Any

from famulus.base.errors import FamulusError
from famulus.base.process import memory as memory_of
from famulus.fabric.fabric import Fabric, open_fabric
from famulus.fabric.hooks import Hooks
from famulus.fabric.parallel import each
from famulus.node.node import Node
from famulus.pool import file as pool_file
from famulus.state.folder import all_fabrics


@dataclass(frozen=True)
class NodeStatus:
    """One node; `memory` is the private memory of its QEMU, `proportional` its PSS, in bytes."""

    number: int
    name: str
    state: str
    address: str
    ssh_port: int | None
    pid: int | None
    memory: int | None
    proportional: int | None
    waits_for: str | None  # a CPU of the node waits for this node, or for `the checker`
    waits: int | None  # seconds of that wait, more than 1


@dataclass(frozen=True)
class FabricStatus:
    """One fabric; sizes are bytes."""

    name: str
    network: str
    subnet: str
    template: str
    pool: str
    pool_size: int
    pool_used: int | None
    pool_unnamed: bool  # nodes hold the pool, but its name is gone
    checker: str | None  # `running`, `stopped` or `ended`, if the fabric is checked
    nodes: list[NodeStatus]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def fabric_status(fabric: Fabric, hooks: Hooks) -> FabricStatus:
    """Return the present state of `fabric`."""
    nodes = [*fabric.nodes(), *fabric.surplus()]
    states = each(nodes, lambda node: _node_status(fabric, node))
    return FabricStatus(
        name=fabric.folder.name,
        network="running" if fabric.network.running() else "stopped",
        subnet=str(fabric.spec.subnet),
        template=fabric.record.template,
        pool=str(fabric.pool),
        pool_size=fabric.spec.pool,
        pool_used=pool_file.used_bytes(fabric.pool) if fabric.pool.there() else None,
        pool_unnamed=fabric.pool.held is not None,
        checker=hooks.checker(fabric),
        nodes=[states[node.number] for node in nodes],
    )


def every_fabric(hooks: Hooks) -> tuple[list[FabricStatus], list[FamulusError]]:
    """Return the state of every readable fabric, and one error for every other fabric.

    A fabric that another process removes meanwhile is in neither.
    """
    found, failures = [], []
    for folder in all_fabrics():
        try:
            found.append(fabric_status(open_fabric(folder.name), hooks))
        except FileNotFoundError:
            if folder.exists():
                raise
        except FamulusError as error:
            if not folder.exists():
                continue
            brief = f"fabric '{folder.name}': {error.brief}"
            failures.append(FamulusError(brief, details=error.details, hint=error.hint))
    return found, failures


def _node_status(fabric: Fabric, node: Node) -> NodeStatus:
    state = node.state()
    # A QEMU without a node, such as that of a clone whose `up` was killed, ends with the next `up`.
    pid = node.runner.pid() if state != "stopped" else None
    wait = node.waits() if pid else None
    taken = memory_of(pid) if pid else None
    _, port = fabric.ways.get(node.number, ("", None))
    return NodeStatus(
        number=node.number,
        name=node.name,
        state=state,
        address=str(node.identity.address),
        ssh_port=port,
        pid=pid,
        memory=taken.private if taken else None,
        proportional=taken.proportional if taken else None,
        waits_for=wait.whom if wait else None,
        waits=wait.seconds if wait else None,
    )
