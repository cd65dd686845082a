# SPDX-License-Identifier: GPL-2.0-or-later
"""Start nodes of a fabric and wait until they answer; undo what fails half-way."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from famulus import ssh
from famulus.errors import FamulusError
from famulus.events import Events
from famulus.fabric.fabric import Fabric, locked
from famulus.fabric.parallel import each, host_width, in_words
from famulus.host.accelerator import choose_accelerator
from famulus.network import replug
from famulus.node import identify, lifecycle, passwords
from famulus.node.node import Node
from famulus.state import write_private
from famulus.template import store

BOOT_LIMIT = 180.0  # seconds until a booted node answers; a cold boot under TCG needs about 10


def restart(fabric: Fabric, nodes: Sequence[Node], events: Events) -> None:
    """Start those of `nodes` that are off, from their own disks; return when all of them answer.

    If one fails, those that this call started are stopped again.
    """
    with locked(fabric.folder, events), ExitStack() as undo:
        start_nodes(fabric, nodes, undo, events)
        undo.pop_all()


def start_nodes(fabric: Fabric, nodes: Sequence[Node], undo: ExitStack, events: Events) -> None:
    """Bring `nodes` to where they answer and ssh is ready, whatever state they are in.

    What must be undone if this or something later fails is put on `undo`.
    """
    accel = choose_accelerator(fabric.spec.accel)
    _start_network(fabric, undo)
    _prepare_disks(fabric, nodes, undo, events)
    _write_ssh_files(fabric, _forward_ports(fabric, nodes))
    starts = undo.enter_context(ExitStack())
    done: list[int] = []
    with events.step(f"start {in_words(nodes)}") as step:
        step.detail(f"0 of {len(nodes)} answer")

        def bring_up(node: Node) -> None:
            _bring_up(fabric, node, accel, starts, events)
            done.append(node.number)
            step.detail(f"{len(done)} of {len(nodes)} answer")

        each(nodes, bring_up, width=host_width(), abandon=starts.close)


def _start_network(fabric: Fabric, undo: ExitStack) -> None:
    if not fabric.network.running():
        if not fabric.alive():
            undo.callback(fabric.network.stop)
        fabric.network.start()


def _prepare_disks(fabric: Fabric, nodes: Sequence[Node], undo: ExitStack, events: Events) -> None:
    template = store.find(fabric.record.template)
    for node in nodes:
        if node.template() is None or not node.disk.exists():
            undo.callback(lifecycle.remove_disk, node)
            lifecycle.make_disk(node, template)
        elif node.template() != fabric.record.template:
            events.note(f"{node.name} keeps its disk, which was made from {node.template()}")


def _bring_up(fabric: Fabric, node: Node, accel: str, undo: ExitStack, events: Events) -> None:
    state = node.state()
    if state == "stopped":
        undo.callback(lifecycle.kill, node)
        lifecycle.start(node, fabric.network.switch_folder, fabric.pool, accel)
    elif state == "paused":
        lifecycle.resume(node)
    elif state == "hung":
        raise FamulusError(
            f"{node.name} does not answer its monitor",
            hint=f"`famulus node kill {node.number}`, then `famulus up`.",
        )
    _note_difference(node, accel, events)
    replug.ensure(node.socket("qmp"), node.identity, fabric.network, node.qemu, node.path)
    identify.identify(node, fabric.numbers, BOOT_LIMIT)
    passwords.ensure(node)
    identify.wait_for_ssh(node, fabric.record.ports[node.number])


def _note_difference(node: Node, accel: str, events: Events) -> None:
    running, wanted = lifecycle.running_settings(node), lifecycle.machine_settings(node, accel)
    if running and running != wanted:
        events.note(
            f"{node.name} goes on with what it was started with ({_as_text(running)}); "
            f"`famulus node stop {node.number}` and `up` change that"
        )


def _as_text(settings: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())


def _forward_ports(fabric: Fabric, nodes: Sequence[Node]) -> dict[int, int]:
    ports = dict(fabric.record.ports)
    for node in nodes:
        wanted = ports.get(node.number, fabric.spec.ssh_port + node.number - 1)
        ports[node.number] = fabric.network.forward(node.identity, wanted)
    return ports


def _write_ssh_files(fabric: Fabric, ports: dict[int, int]) -> None:
    folder = fabric.folder
    fabric.record.ports.update(ports)
    folder.write(fabric.record)
    shown = {number: ports[number] for number in fabric.numbers if number in ports}
    keys = {node.identity: identify.host_key(node) for node in fabric.nodes()}
    write_private(folder.path / "known_hosts", ssh.known_hosts(keys, by_address=False))
    write_private(fabric.ssh_config, ssh.client_config(folder.path, folder.sockets, shown))
