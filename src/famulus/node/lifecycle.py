# SPDX-License-Identifier: GPL-2.0-or-later
"""A node's machine: start, stop, kill, pause, resume."""

import contextlib
import json
import shutil
from pathlib import Path

from famulus import monitor, paths, ssh
from famulus.agent import POWER_OFF, ask
from famulus.errors import FamulusError
from famulus.node.node import Node
from famulus.qemu.arguments import Machine, node_arguments
from famulus.qemu.disk import make_overlay
from famulus.run import run
from famulus.state import write_private
from famulus.template.recipe import KERNEL_ARGUMENTS
from famulus.template.store import Template, find

START_LIMIT = 60.0  # seconds in which QEMU has daemonised, on a busy host
STOP_LIMIT = 90.0  # seconds in which systemd in a node has shut down, on a busy host under TCG


def make_disk(node: Node, template: Template | None) -> None:
    """Give the node a fresh disk on `template`. Raises FamulusError if that is gone."""
    if template is None:
        raise _template_gone(node, "which new disks are made from")
    paths.make_private(node.path)
    make_overlay(template.disk, node.disk)
    write_private(node.path / "template", template.digest + "\n")


def remove_disk(node: Node) -> None:
    """Remove the node's folder, its disk, keys and log with it."""
    shutil.rmtree(node.path, ignore_errors=True)


def start(node: Node, switch: Path, pool_file: Path, accel: str) -> None:
    """Start the node's machine from its own disk; it then boots by itself.

    Raises FamulusError with QEMU's words if QEMU refuses; nothing runs then.
    """
    template = _template_of(node)
    forget_connections(node)
    sockets = node.folder.sockets
    for stale in sockets.glob(f"{node.name}.*"):
        stale.unlink()
    machine = Machine(
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
        sockets=sockets,
    )
    write_private(node.path / "machine.json", json.dumps(machine_settings(node, accel)) + "\n")
    run(node_arguments(machine), timeout=START_LIMIT)
    node.serial_log.chmod(0o600)


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
