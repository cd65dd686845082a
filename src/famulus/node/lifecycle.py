# SPDX-License-Identifier: GPL-2.0-or-later
"""Start and end a node's machine."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from famulus.backend.machine import Frozen, LaunchError
from famulus.base.errors import FamulusError
from famulus.base.run import run
from famulus.host.accelerator import Accelerator
from famulus.node import plugin
from famulus.node.disk import forget_disk, make_clone_disk
from famulus.node.machine import machine, note_settings
from famulus.node.node import Node
from famulus.snapshot.store import Snapshot
from famulus.state.folder import FabricFolder
from famulus.transport import ssh
from famulus.transport.agent import POWER_OFF, ask

_SSH_TIMEOUT = 60.0  # seconds in which ssh has closed a connection, on a busy host
STOP_TIMEOUT = 90.0  # seconds in which systemd in a node has shut down, on a busy host under TCG


def start(node: Node, accel: Accelerator) -> None:
    """Start the node's machine from its own disk; the node then boots by itself.

    Raises FamulusError with the hypervisor's words if it refuses; nothing runs then.
    """
    _prepare(node, accel)
    node.runner.start(machine(node, accel))


@dataclass(frozen=True)
class Original:
    """The snapshot of a clone, and the request that the clone gets when it begins to run."""

    snapshot: Snapshot
    request: bytes


def start_clone(node: Node, original: Original, accel: Accelerator) -> str:
    """Give the node a fresh disk and start it as a clone; return the name that it answers.

    Raises RestoreError if the snapshot cannot be restored or the clone does not answer in time,
    LaunchError if no machine starts; nothing runs then and no disk is left.
    """
    snapshot = original.snapshot
    make_clone_disk(node, snapshot)
    _prepare(node, accel)
    with _restoring(node):
        made = machine(node, accel)
        return node.runner.clone(made, _frozen(snapshot), original.request)


def start_bare_clone(node: Node, snapshot: Snapshot, accel: Accelerator) -> None:
    """Give the node a fresh disk and start it as a clone of a snapshot without a pool.

    The clone runs, but has still to get its identity and to find its pool. Raises RestoreError as
    `start_clone` does.
    """
    make_clone_disk(node, snapshot)
    _prepare(node, accel)
    with _restoring(node):
        node.runner.restore(machine(node, accel), _frozen(snapshot))


class RestoreError(FamulusError):
    """The back end could not restore a snapshot."""


def _frozen(snapshot: Snapshot) -> Frozen:
    # The plugin looks for the name of this memory in /proc/PID/maps, where no path has a link.
    return Frozen(snapshot.ram.resolve(), snapshot.state, snapshot.place)


@contextlib.contextmanager
def _restoring(node: Node) -> Iterator[None]:
    """Raise RestoreError for a failure in the block, and leave neither a machine nor a disk.

    LaunchError stays: then no snapshot is at fault.
    """
    try:
        yield
    except FamulusError as error:
        error.add_details(node.last_words())
        kill(node)
        forget_disk(node)
        if isinstance(error, LaunchError):
            raise
        raise RestoreError(error.brief, details=error.details, hint=error.hint) from error


def _prepare(node: Node, accel: Accelerator) -> None:
    """End a machine that is stopped but there, and give the node an empty cache."""
    kill(node)
    plugin.attach(node)
    note_settings(node, accel)


def stop(node: Node) -> None:
    """Shut the node down as its owner would; all its writes are on its disk then.

    Raises FamulusError if the node does not end within STOP_TIMEOUT seconds; it then still runs.
    """
    state = node.state()
    if state == "paused":
        node.resume()
    elif state == "hung":
        raise FamulusError(f"{node.name} does not answer", hint=_kill_hint(node))
    if state == "stopped":
        kill(node)
        return
    try:
        ask(node.socket("agent"), POWER_OFF, STOP_TIMEOUT)
        node.runner.wait_gone(f"{node.name} to shut down", STOP_TIMEOUT)
    except FamulusError as error:
        raise FamulusError(
            error.brief, details=node.serial_tail(), hint=_kill_hint(node)
        ) from error
    plugin.detach(node, killed=False)
    forget_connections(node.folder, node.name)


def kill(node: Node) -> None:
    """End the node's machine at once, as pulling its plug would. Nothing happens if it is off.

    Lines that the node's cache had not written back are lost.
    """
    node.runner.kill()
    plugin.detach(node, killed=True)
    forget_connections(node.folder, node.name)


def forget_connections(folder: FabricFolder, name: str) -> None:
    """End the host's shared ssh connections to the node `name`: its restart breaks them."""
    for master in folder.sockets.glob(f"ssh-*-{name}"):
        user = master.name.removeprefix("ssh-").removesuffix(f"-{name}")
        with contextlib.suppress(FamulusError):
            argv = ssh.close_master(folder.path / ssh.CONFIG_NAME, f"{user}@{name}")
            run(argv, timeout=_SSH_TIMEOUT, check=False, cleanup=True)
        master.unlink(missing_ok=True)


def _kill_hint(node: Node) -> str:
    return f"`famulus node kill {node.number}` ends the node at once."
