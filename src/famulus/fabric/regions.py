# SPDX-License-Identifier: GPL-2.0-or-later
"""Remove a region from the pool's directory, whether nodes run or not.

The directory's lock is a word that nodes change by locked instructions, which Python lacks. So a
running node removes the region, with the library. If no node runs, no other process changes the
directory, and Python removes the region without the lock.
"""

import os
import shlex

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.base.run import run
from famulus.fabric.fabric import Fabric, locked
from famulus.node.node import Node
from famulus.pool import directory
from famulus.pool.file import Pool
from famulus.transport import ssh

_TIMEOUT = 120.0  # seconds; the directory may be locked by a node that has just died


def remove(fabric: Fabric, name: str, events: Events) -> None:
    """Remove the region `name` from the directory.

    Raises FamulusError if there is no such region, or if neither a node nor the host can remove it.
    """
    with locked(fabric.folder, events):
        region = directory.read(fabric.pool).find(name)
        there = [node for node in fabric.nodes() + fabric.surplus() if node.running()]
        if there:
            _in_node(fabric, there, name)
        else:
            _require_unused(fabric.pool)
            directory.forget(fabric.pool, region)


def _in_node(fabric: Fabric, there: list[Node], name: str) -> None:
    node = next((node for node in there if node.state() == "running"), None)
    if node is None:
        names = ", ".join(node.name for node in there)
        raise FamulusError(
            f"{names} may be using the directory and cannot remove the region",
            hint="`famulus node resume all`, or `famulus down`, and then again.",
        )
    command = f"sudo -n python3 -m famulus_guest rm -- {shlex.quote(name)}"
    run(ssh.login(fabric.ssh_config, node.name, None, [command], tty=False), timeout=_TIMEOUT)


def _require_unused(pool: Pool) -> None:
    """Raise FamulusError if a process of this host has the pool open through the library."""
    pids = [pid for node, pid in directory.read(pool).members if node == 0 and _is_there(pid)]
    if pids:
        raise FamulusError(
            f"process {pids[0]} of this host may be using the directory",
            hint="Let the process remove the region, or end the process.",
        )


def _is_there(pid: int) -> bool:
    return pid > 0 and os.path.exists(f"/proc/{pid}")  # noqa: PTH110 - a test, not a path to work with
