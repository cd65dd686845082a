# SPDX-License-Identifier: GPL-2.0-or-later
"""Start nodes of a fabric and wait until they answer; undo a start that fails half-way."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from famulus.backend.machine import DOORBELL_VECTORS
from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.base.files import write_private
from famulus.base.units import format_size
from famulus.doorbell.service import Doorbell
from famulus.fabric.accelerator import choose as choose_accelerator
from famulus.fabric.clone_source import another_snapshot, choose_snapshot
from famulus.fabric.fabric import Fabric, locked
from famulus.fabric.hooks import Hooks
from famulus.fabric.parallel import each, host_width, in_words
from famulus.fabric.pools import ready_pool
from famulus.host.accelerator import Accelerator
from famulus.node import identify, lifecycle, passwords, plugin
from famulus.node.disk import forget_disk, make_disk, remove_disk
from famulus.node.lifecycle import Original, RestoreError
from famulus.node.machine import machine_settings, running_settings
from famulus.node.node import Node
from famulus.settings.identity import MAX_NODES
from famulus.snapshot import freeze
from famulus.snapshot.store import Snapshot
from famulus.template import store
from famulus.transport import ssh
from famulus.transport.agent import GuestFile

_END_TIMEOUT = 2.0  # seconds in which a QEMU has ended whose node has powered off
BOOT_TIMEOUT = 180.0  # seconds until a booted node answers; a cold boot under TCG needs about 10


@dataclass(frozen=True)
class _Start:
    """The common part of the start of several nodes.

    Nodes without a disk are cloned from `snapshot`; without a snapshot they boot. `files` are the
    files that all nodes have in common.
    """

    fabric: Fabric
    accel: Accelerator
    events: Events
    snapshot: Snapshot | None
    files: Sequence[GuestFile] = field(default=())


def restart(fabric: Fabric, nodes: Sequence[Node], events: Events, hooks: Hooks) -> None:
    """Start those of `nodes` that are off, from their own disks; return when all nodes answer.

    If a node fails, the nodes that this call started are stopped again.
    """
    with locked(fabric.folder, events), ExitStack() as undo:
        fabric, nodes = _ready(fabric, nodes, undo, events)
        start_nodes(fabric, nodes, undo, events)
        hooks.after_start(fabric, undo, events)
        undo.pop_all()


def _ready(
    fabric: Fabric, nodes: Sequence[Node], undo: ExitStack, events: Events
) -> tuple[Fabric, list[Node]]:
    """Return the fabric with its pool, and its `nodes`."""
    ready = ready_pool(fabric, undo, events)
    return ready, [ready.node(node.number) for node in nodes]


def reset(fabric: Fabric, nodes: Sequence[Node], events: Events, hooks: Hooks) -> None:
    """Make `nodes` new: remove their disks and start them, as `start_nodes` starts new nodes."""
    with locked(fabric.folder, events), ExitStack() as undo:
        fabric, nodes = _ready(fabric, nodes, undo, events)
        for node in nodes:
            lifecycle.kill(node)
            forget_disk(node)
        start_nodes(fabric, nodes, undo, events)
        hooks.after_start(fabric, undo, events)
        undo.pop_all()


def start_nodes(fabric: Fabric, nodes: Sequence[Node], undo: ExitStack, events: Events) -> None:
    """Start `nodes` from any state and wait until they answer and ssh is ready.

    A node with a disk of its own boots from that disk; other nodes are cloned or booted, see
    `choose_snapshot`. Pushes on `undo` how to undo the start if a later step fails.
    """
    accel = choose_accelerator(fabric, nodes, events)
    last = undo.enter_context(ExitStack())  # for the end of the undoing: no disk is left by then
    start = _Start(fabric, accel, events, choose_snapshot(fabric, nodes, accel, events))
    _prepare(start, nodes, undo)
    with ThreadPoolExecutor(1) as beside:
        keys = beside.submit(each, nodes, identify.host_key, width=host_width())
        _start_switch(fabric, undo)
        _start_doorbell(fabric, undo, events)
        keys.result()
        # Nodes need the switch to start. The rest of the network starts beside them.
        reachable = beside.submit(_make_reachable, fabric, nodes)
        files = identify.shared_files(fabric.nodes(), fabric.network.name_server)
        start = replace(start, files=files)
        try:
            _start_all(start, nodes, undo)
        except RestoreError as error:
            _start_all(replace(start, snapshot=_another(start, error, last)), nodes, undo)
        reachable.result()


def _make_reachable(fabric: Fabric, nodes: Sequence[Node]) -> None:
    fabric.network.start()
    _write_ssh_files(fabric, _forward_ports(fabric, nodes))


def _another(start: _Start, error: RestoreError, undo: ExitStack) -> Snapshot:
    """Return a new snapshot beside a snapshot that could not be restored; nobody knows why.

    If the new one fails, too, the host is at fault, and the new one is removed.
    """
    if start.snapshot is None:
        raise error
    freeze.log.warning("%s: %s %s", start.snapshot.digest, error, error.details)
    snapshot = another_snapshot(start.fabric, start.accel, start.events)
    undo.callback(freeze.discard, snapshot)
    return snapshot


def _start_all(start: _Start, nodes: Sequence[Node], undo: ExitStack) -> None:
    starts = undo.enter_context(ExitStack())
    done: list[int] = []
    with start.events.step(f"{_verb(start, nodes)} {in_words(nodes)}") as step:
        step.detail(f"0 of {len(nodes)} answer")

        def bring_up(node: Node) -> None:
            _bring_up(start, node, starts)
            done.append(node.number)
            step.detail(f"{len(done)} of {len(nodes)} answer")

        each(nodes, bring_up, width=host_width(), abandon=starts.close)


def _verb(start: _Start, nodes: Sequence[Node]) -> str:
    return "clone" if start.snapshot and not any(node.has_disk() for node in nodes) else "start"


def _start_switch(fabric: Fabric, undo: ExitStack) -> None:
    network = fabric.network
    if not network.running() and not fabric.alive():
        undo.callback(network.stop)
    with fabric.pool.opened(os.O_RDWR) as pool:
        network.start_switch(keep=pool)


def _start_doorbell(fabric: Fabric, undo: ExitStack, events: Events) -> None:
    """Start the doorbell's server if it does not run. Running nodes cannot join a new server."""
    doorbell = Doorbell(fabric.folder.doorbell)
    alive = fabric.alive()
    if not fabric.rings or (alive and doorbell.running()):
        return
    died = alive and doorbell.folder.exists()
    undo.callback(doorbell.stop)
    doorbell.start(fabric.pool.path, fabric.pool.at, DOORBELL_VECTORS, MAX_NODES)
    if died:
        events.note(
            "the doorbell's server was started anew: running nodes still ring each other; nodes "
            "that start from now on ring the running nodes only after `famulus node stop all` and "
            "`up`"
        )


def _prepare(start: _Start, nodes: Sequence[Node], undo: ExitStack) -> None:
    fabric = start.fabric
    template = store.find(fabric.record.template)
    for node in nodes:
        if not node.has_disk():
            undo.callback(remove_disk, node)
            if start.snapshot is None:
                make_disk(node, template)
        elif node.template() != fabric.record.template:
            start.events.note(f"{node.name} keeps its disk, which was made from {node.template()}")


def _bring_up(start: _Start, node: Node, undo: ExitStack) -> None:
    """Start or resume the node and wait for its answer.

    A node that was about to end when the call began is started again. Raises FamulusError with the
    last words of the node's hypervisor, whose log may be removed next.
    """
    ran = node.state() != "stopped"
    try:
        _converge(start, node, undo)
    except FamulusError as error:
        error.add_details(node.last_words())
        if not ran or not _ends(node):
            raise
        _converge(start, node, undo)


def _ends(node: Node) -> bool:
    try:
        node.runner.wait_gone(f"{node.name} to end", _END_TIMEOUT)
    except FamulusError:
        return False
    return True


def _converge(start: _Start, node: Node, undo: ExitStack) -> None:
    fabric = start.fabric
    state = node.state()
    snapshot = start.snapshot if state == "stopped" and not node.has_disk() else None
    if state == "stopped":
        undo.callback(lifecycle.kill, node)
    if snapshot and not fabric.rings:
        _clone(start, node, snapshot)
    elif state == "stopped":
        _start(start, node)
    elif state == "paused":
        node.resume()
    elif state == "hung":
        raise FamulusError(
            f"{node.name} does not answer its monitor",
            hint=f"`famulus node kill {node.number}`, then `famulus up`.",
        )
    _note_difference(start, node)
    node.runner.reconnect()
    if not snapshot or fabric.rings:
        identify.identify(node, start.files, BOOT_TIMEOUT)
    passwords.ensure(node)
    plugin.use_cache(node)


def _clone(start: _Start, node: Node, snapshot: Snapshot) -> None:
    original = Original(snapshot, identify.clone_request(node, start.files))
    name = lifecycle.start_clone(node, original, start.accel)
    identify.check_name(node, name)


def _start(start: _Start, node: Node) -> None:
    if start.snapshot and not node.has_disk():
        lifecycle.start_bare_clone(node, start.snapshot, start.accel)
    else:
        lifecycle.start(node, start.accel)


def _note_difference(start: _Start, node: Node) -> None:
    running, wanted = running_settings(node), machine_settings(node, start.accel)
    if running and running != wanted:
        start.events.note(
            f"{node.name} keeps the settings of its last start ({_as_text(running)}); "
            f"`famulus node stop {node.number}` and `up` change them"
        )


def _as_text(settings: Mapping[str, object]) -> str:
    shown = {**settings, "memory": format_size(int(str(settings["memory"])))}
    return ", ".join(f"{key} {value}" for key, value in shown.items())


def _forward_ports(fabric: Fabric, nodes: Sequence[Node]) -> dict[int, int]:
    first, known = fabric.spec.ssh_port, fabric.record.ports
    wanted = {node.identity: known.get(node.number, first + node.number - 1) for node in nodes}
    ports = fabric.network.forward(wanted)
    return {**known, **{node.number: port for node, port in ports.items()}}


def _write_ssh_files(fabric: Fabric, ports: dict[int, int]) -> None:
    folder = fabric.folder
    fabric.record.ports.update(ports)
    folder.write(fabric.record)
    keys = {node.identity: identify.host_key(node) for node in fabric.nodes()}
    write_private(folder.path / "known_hosts", ssh.known_hosts(keys, by_address=False))
    write_private(fabric.ssh_config, ssh.client_config(folder.path, folder.sockets, fabric.ways))
