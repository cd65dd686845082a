# SPDX-License-Identifier: GPL-2.0-or-later
"""A node's machine: start, stop, kill, pause, resume."""

import contextlib
import shutil
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from famulus.backend.libvirt import domain
from famulus.backend.qemu import monitor
from famulus.backend.qemu.arguments import clone_arguments, node_arguments
from famulus.backend.qemu.disk import make_overlay
from famulus.backend.qemu.pci import place_pool
from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.files import write_private
from famulus.base.run import run
from famulus.coherence.caches import CACHES, STREAMS
from famulus.host.accelerator import Accelerator
from famulus.node.machine import machine, note_settings, template_gone
from famulus.node.node import Node
from famulus.snapshot.store import Snapshot
from famulus.template.recipe import DISK_SIZE
from famulus.template.store import Template
from famulus.transport import ssh
from famulus.transport.agent import POWER_OFF, ask, began, framed

CLONE_TIMEOUT = 60.0  # seconds in which a restored clone has answered
START_TIMEOUT = 60.0  # seconds in which QEMU has daemonised, on a busy host
STOP_TIMEOUT = 90.0  # seconds in which systemd in a node has shut down, on a busy host under TCG


def make_disk(node: Node, template: Template | None) -> None:
    """Give the node a fresh disk on `template`. Raises FamulusError if that is gone."""
    if template is None:
        raise template_gone(node, "which new disks are made from")
    paths.make_private(node.path)
    make_overlay(template.disk, "raw", node.disk, DISK_SIZE)
    _note_below(node, template.digest, "")


def _note_below(node: Node, template: str, snapshot: str) -> None:
    """Write down what lies below the node's disk; the template last, which makes the disk count."""
    write_private(node.path / "snapshot", snapshot + "\n")
    write_private(node.path / "template", template + "\n")


def remove_disk(node: Node) -> None:
    """Remove the node's folder, its disk, keys and log with it, and what libvirt knows of it."""
    domain.forget(node.path)
    shutil.rmtree(node.path, ignore_errors=True)


def forget_disk(node: Node) -> None:
    """Remove what the node has on its disk; its keys and its log stay."""
    for name in ("template", "snapshot", "passwords", node.disk.name):
        (node.path / name).unlink(missing_ok=True)


def start(node: Node, switch: Path, pool_file: Path, accel: Accelerator) -> None:
    """Start the node's machine from its own disk; it then boots by itself.

    Raises FamulusError with QEMU's words if QEMU refuses; nothing runs then.
    """
    _attach_cache(node)
    _launch(node, accel, node_arguments(machine(node, pool_file, accel, switch)))


@dataclass(frozen=True)
class Original:
    """What a clone is made from, and what it is told when it begins to run, see guest/agent."""

    snapshot: Snapshot
    request: bytes


def start_clone(
    node: Node, original: Original, switch: Path, pool_file: Path, accel: Accelerator
) -> str:
    """Give the node a fresh disk and start it as a clone; return the name that it answers.

    Raises RestoreError if QEMU cannot restore the snapshot or no answer comes within CLONE_TIMEOUT
    seconds; nothing runs then and no disk is left.
    """
    snapshot = original.snapshot
    _begin_as_clone(node, snapshot)
    _attach_cache(node)
    ours, its = socket.socketpair()
    with ours, its, _restoring(node):
        made = machine(node, pool_file, accel, switch)
        argv = clone_arguments(made, snapshot.ram, its.fileno())
        words = framed(original.request).decode()
        _launch(node, accel, argv, stdin=words, pass_fds=[its.fileno()])
        its.close()
        before = place_pool(snapshot.place)
        when = monitor.restore(node.socket("qmp"), before, snapshot.state, START_TIMEOUT)
        return began(ours, when, CLONE_TIMEOUT)


def start_bare_clone(
    node: Node, snapshot: Snapshot, switch: Path, pool_file: Path, accel: Accelerator
) -> None:
    """Give the node a fresh disk and start it as a clone of a snapshot without a pool; it runs.

    It has still to be told who it is and to find its pool. Raises RestoreError as `start_clone`.
    """
    _begin_as_clone(node, snapshot)
    _attach_cache(node)
    with _restoring(node):
        argv = clone_arguments(machine(node, pool_file, accel, switch), snapshot.ram)
        _launch(node, accel, argv)
        monitor.restore(node.socket("qmp"), (), snapshot.state, START_TIMEOUT)


class RestoreError(FamulusError):
    """QEMU could not restore a snapshot."""


@contextlib.contextmanager
def _restoring(node: Node) -> Iterator[None]:
    """Raise RestoreError for what fails in the block, and leave neither a machine nor a disk."""
    try:
        yield
    except FamulusError as error:
        last_words = node.qemu_tail()
        kill(node)
        forget_disk(node)
        raise RestoreError(error.brief, details=error.details or last_words) from error


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


def _launch(
    node: Node, accel: str, argv: list[str], *, stdin: str = "", pass_fds: Sequence[int] = ()
) -> None:
    node.runner.kill()  # a QEMU that is there all the same has no machine that runs
    forget_connections(node)
    for stale in node.folder.sockets.glob(f"{node.name}.*"):
        stale.unlink()
    note_settings(node, accel)
    run(argv, timeout=START_TIMEOUT, stdin=stdin, pass_fds=pass_fds)
    node.serial_log.chmod(0o600)


def _attach_cache(node: Node) -> None:
    """Give the node that is to be started an empty cache, if nodes have any."""
    kill(node)
    if node.caches:
        node.caches.attach(node.number)


def use_cache(node: Node) -> None:
    """Have the node that has started use its cache; until then it costs nothing and does nothing.

    The way it is had to notice is to halt its CPUs for a moment.
    """
    if node.caches and node.spec.noncoherent and not node.caches.used(node.number):
        _have_do(node, CACHES | STREAMS if node.spec.check else CACHES)


def tell(node: Node, *, begin: bool) -> None:
    """Have the running node tell of its accesses to the pool from now on, or no more."""
    always = CACHES if node.spec.noncoherent else 0
    _have_do(node, always | STREAMS if begin else always)


def _have_do(node: Node, what: int) -> None:
    """Have the plugin of the running node do `what`, see `Caches.want`; it does on return."""
    if node.caches:
        node.caches.ask(node.number, what)
        pause(node)
        resume(node)
        node.caches.want(node.number, what)


def _detach_cache(node: Node, *, killed: bool) -> None:
    if node.caches:
        node.caches.detach(node.number, killed=killed)


def stop(node: Node) -> None:
    """Shut the node down as its owner would; what was written to its disk is on its disk.

    Raises FamulusError if it does not end within STOP_TIMEOUT seconds; it then still runs.
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
        ask(node.socket("agent"), POWER_OFF, STOP_TIMEOUT)
        node.runner.wait_gone(f"{node.name} to shut down", STOP_TIMEOUT)
    except FamulusError as error:
        raise FamulusError(
            error.brief, details=node.serial_tail(), hint=_kill_hint(node)
        ) from error
    _detach_cache(node, killed=False)
    forget_connections(node)


def kill(node: Node) -> None:
    """End the node's machine at once, as pulling its plug would. Nothing happens if it is off.

    What its cache had not written back is lost.
    """
    node.runner.kill()
    _detach_cache(node, killed=True)
    forget_connections(node)


def pause(node: Node) -> None:
    """Halt the node's CPUs; the pool and its disk stay as they are."""
    node.require_running()
    node.runner.pause()


def resume(node: Node) -> None:
    """Let a paused node go on."""
    if node.state() == "stopped":
        node.require_running()
    node.runner.resume()


def forget_connections(node: Node) -> None:
    """End the host's shared ssh connections to the node: they do not survive its restart."""
    for master in node.folder.sockets.glob(f"ssh-*-{node.name}"):
        user = master.name.removeprefix("ssh-").removesuffix(f"-{node.name}")
        with contextlib.suppress(FamulusError):
            argv = ssh.close_master(node.folder.path / "ssh_config", f"{user}@{node.name}")
            run(argv, timeout=START_TIMEOUT, check=False, cleanup=True)
        master.unlink(missing_ok=True)


def _kill_hint(node: Node) -> str:
    return f"`famulus node kill {node.number}` ends it at once."
