# SPDX-License-Identifier: GPL-2.0-or-later
"""A node's machine: start, stop, kill, pause, resume."""

import contextlib
import json
import shutil
from pathlib import Path

from famulus import monitor, paths, ssh
from famulus.agent import POWER_OFF, ask
from famulus.errors import FamulusError
from famulus.host.accelerator import Accelerator, address_bits
from famulus.monitor import Command
from famulus.node.node import Node
from famulus.qemu.arguments import Machine, clone_arguments, node_arguments
from famulus.qemu.disk import make_overlay
from famulus.run import run
from famulus.snapshot.freeze import IGNORE_SHARED
from famulus.snapshot.store import Snapshot
from famulus.state import write_private
from famulus.template.recipe import DISK_SIZE, KERNEL_ARGUMENTS
from famulus.template.store import Template, find

START_LIMIT = 60.0  # seconds in which QEMU has daemonised, on a busy host
STOP_LIMIT = 90.0  # seconds in which systemd in a node has shut down, on a busy host under TCG

# Nobody knows the clone's card yet; QEMU would announce it to every node, five times.
_SILENT = Command("migrate-set-parameters", {"announce-rounds": 0})


def make_disk(node: Node, template: Template | None) -> None:
    """Give the node a fresh disk on `template`. Raises FamulusError if that is gone."""
    if template is None:
        raise _template_gone(node, "which new disks are made from")
    paths.make_private(node.path)
    make_overlay(template.disk, "raw", node.disk, DISK_SIZE)
    _note_below(node, template.digest, "")


def _note_below(node: Node, template: str, snapshot: str) -> None:
    """Write down what lies below the node's disk; the template last, which makes the disk count."""
    write_private(node.path / "snapshot", snapshot + "\n")
    write_private(node.path / "template", template + "\n")


def remove_disk(node: Node) -> None:
    """Remove the node's folder, its disk, keys and log with it."""
    shutil.rmtree(node.path, ignore_errors=True)


def forget_disk(node: Node) -> None:
    """Remove what the node has on its disk; its keys and its log stay."""
    for name in ("template", "snapshot", "passwords", node.disk.name):
        (node.path / name).unlink(missing_ok=True)


def start(node: Node, switch: Path, pool_file: Path, accel: Accelerator) -> None:
    """Start the node's machine from its own disk; it then boots by itself.

    Raises FamulusError with QEMU's words if QEMU refuses; nothing runs then.
    """
    template = _template_of(node)
    _launch(node, accel, node_arguments(_machine(node, template, switch, pool_file, accel)))


def start_clone(
    node: Node, snapshot: Snapshot, switch: Path, pool_file: Path, accel: Accelerator
) -> None:
    """Give the node a fresh disk on `snapshot` and start it as a clone; it runs on return.

    Raises RestoreError if QEMU cannot restore the snapshot; nothing runs then and no disk is left.
    """
    _begin_as_clone(node, snapshot)
    machine = _machine(node, _template_of(node), switch, pool_file, accel)
    try:
        _launch(node, accel, clone_arguments(machine, snapshot.ram))
        incoming = Command("migrate-incoming", {"uri": f"file:{snapshot.state}"})
        monitor.execute_all(
            node.socket("qmp"),
            [IGNORE_SHARED, _SILENT, incoming],
            until="RESUME",
            limit=START_LIMIT,
        )
    except FamulusError as error:
        kill(node)
        forget_disk(node)
        raise RestoreError(error.brief, details=error.details) from error


class RestoreError(FamulusError):
    """QEMU could not restore a snapshot."""


def _begin_as_clone(node: Node, snapshot: Snapshot) -> None:
    """Give the node an empty overlay, and a log that begins with what its snapshot printed."""
    try:
        shutil.copyfile(snapshot.overlay, node.disk)
        node.disk.chmod(0o600)
        printed = snapshot.boot_log.read_text(encoding="utf-8", errors="replace").rstrip()
    except OSError as error:
        raise FamulusError(
            f"cannot make {node.disk}: {error.strerror}", hint="Is the disk full?"
        ) from error
    write_private(node.serial_log, f"{printed}\n[cloned from the snapshot {snapshot.digest}]\n")
    _note_below(node, snapshot.template, snapshot.digest)


def _launch(node: Node, accel: str, argv: list[str]) -> None:
    kill(node)  # a QEMU that is there all the same has no machine that runs
    for stale in node.folder.sockets.glob(f"{node.name}.*"):
        stale.unlink()
    write_private(node.path / "machine.json", json.dumps(machine_settings(node, accel)) + "\n")
    run(argv, timeout=START_LIMIT)
    node.serial_log.chmod(0o600)


def _machine(
    node: Node, template: Template, switch: Path, pool_file: Path, accel: Accelerator
) -> Machine:
    return Machine(
        name=node.name,
        mac=node.identity.mac,
        memory=node.spec.memory,
        cpus=node.spec.cpus,
        accel=accel,
        disk=node.disk,
        kernel=template.kernel,
        initrd=template.initrd,
        kernel_arguments=KERNEL_ARGUMENTS,
        pool_file=pool_file,
        pool_size=node.spec.pool,
        switch=switch,
        folder=node.path,
        sockets=node.folder.sockets,
        address_bits=address_bits(accel),
    )


def machine_settings(node: Node, accel: str) -> dict[str, object]:
    """Return the settings that only a restart of the node can change."""
    return {"memory": node.spec.memory, "cpus": node.spec.cpus, "accel": accel}


def running_settings(node: Node) -> dict[str, object]:
    """Return the settings with which the node's machine was last started."""
    try:
        settings: dict[str, object] = json.loads((node.path / "machine.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return settings


def stop(node: Node) -> None:
    """Shut the node down as its owner would; what was written to its disk is on its disk.

    Raises FamulusError if it does not end within STOP_LIMIT seconds; it then still runs.
    """
    state = node.state()
    if state == "paused":
        resume(node)
    elif state == "hung":
        raise FamulusError(f"{node.name} does not answer", hint=_kill_hint(node))
    if state == "stopped":
        kill(node)
        return
    try:
        ask(node.socket("agent"), POWER_OFF, STOP_LIMIT)
        node.qemu.wait_gone(f"{node.name} to shut down", STOP_LIMIT)
    except FamulusError as error:
        raise FamulusError(
            error.brief, details=node.serial_tail(), hint=_kill_hint(node)
        ) from error
    forget_connections(node)


def kill(node: Node) -> None:
    """End the node's machine at once, as pulling its plug would. Nothing happens if it is off."""
    node.qemu.kill()
    forget_connections(node)


def pause(node: Node) -> None:
    """Halt the node's CPUs; the pool and its disk stay as they are."""
    node.require_running()
    monitor.execute(node.socket("qmp"), "stop")


def resume(node: Node) -> None:
    """Let a paused node go on."""
    if node.state() == "stopped":
        node.require_running()
    monitor.execute(node.socket("qmp"), "cont")


def forget_connections(node: Node) -> None:
    """End the host's shared ssh connections to the node: they do not survive its restart."""
    for master in node.folder.sockets.glob(f"ssh-*-{node.name}"):
        user = master.name.removeprefix("ssh-").removesuffix(f"-{node.name}")
        with contextlib.suppress(FamulusError):
            argv = ssh.close_master(node.folder.path / "ssh_config", f"{user}@{node.name}")
            run(argv, timeout=START_LIMIT, check=False, cleanup=True)
        master.unlink(missing_ok=True)


def _template_of(node: Node) -> Template:
    digest = node.template()
    template = find(digest) if digest else None
    if template is None:
        raise _template_gone(node, f"{digest}, below its disk,")
    return template


def _template_gone(node: Node, which: str) -> FamulusError:
    return FamulusError(
        f"{node.name}: the template {which} is gone",
        hint="`famulus pool save FILE` saves the pool; `famulus down --purge` and `up` begin anew.",
    )


def _kill_hint(node: Node) -> str:
    return f"`famulus node kill {node.number}` ends it at once."
