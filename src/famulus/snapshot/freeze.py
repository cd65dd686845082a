# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a snapshot: boot a template, wait until the machine rests, freeze the machine.

A snapshot is finished or does not exist.
"""

import errno
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from famulus.backend.disk import make_overlay
from famulus.backend.machine import Machine
from famulus.backend.qemu.arguments import snapshot_arguments
from famulus.backend.qemu.launch import launch, with_last_words
from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.events import Events, Step
from famulus.base.units import MIB, human_size
from famulus.base.waiting import wait_until
from famulus.host.space import free_bytes
from famulus.snapshot import store
from famulus.snapshot.key import Key
from famulus.snapshot.machine import freeze, machine_sockets, rest
from famulus.snapshot.plug import plug
from famulus.snapshot.settle import settle
from famulus.snapshot.store import Snapshot
from famulus.snapshot.sums import sums_of
from famulus.template.recipe import DISK_SIZE
from famulus.transport.agent import REST, ask

log = logging.getLogger("famulus")

_BOOT_TIMEOUT = 300.0  # seconds
_SETTLE_TIMEOUT = 300.0  # seconds
_CALM = 0.5  # seconds
_SETTLED = "famulus: settled"  # the last line of guest/template/settle.sh, or
_NOT_SETTLED = "famulus: not settled"
_FILES = ("ram", "state", "disk.qcow2", "overlay.qcow2")
_TAIL = 15  # lines
_TOUCHED = 256 * MIB  # memory and disk; measured: 200 MiB
_FULL = 4 * MIB  # with fewer free bytes, a full disk explains a failure


def ensure(key: Key, events: Events) -> Snapshot:
    """Return the snapshot for `key`, made now if there is none or its files are damaged.

    No other process removes the snapshot until this process ends. Several processes may call this
    at once: one makes the snapshot, the others wait and take the result. After a failure, interrupt
    or kill no snapshot looks finished, and no machine runs. A damaged snapshot that disks lie on
    stays, and another is made beside it.
    """
    name = store.newest(key.digest())
    folder = store.vault().folder(name)
    if folder.exists() and store.find(name) is None and store.vault().users(folder):
        name = store.following(name)
    return _held(key, name, events)


def another(key: Key, events: Events) -> Snapshot:
    """Make a snapshot for `key` beside those that there are, and return the new one as `ensure`."""
    return _held(key, store.following(store.newest(key.digest())), events)


def discard(snapshot: Snapshot) -> None:
    """Remove a snapshot that this process has made, unless disks lie on it or others hold it."""
    vault = store.vault()
    vault.release(snapshot.digest)
    vault.prune(vault.digests() - {snapshot.digest})


def _held(key: Key, name: str, events: Events) -> Snapshot:
    paths.make_private(paths.snapshots())
    snapshot = store.vault().hold(
        name,
        lambda: store.find(name),
        lambda: _make(key, name, events),
        lambda: events.note("waiting for another command that makes or uses this snapshot"),
    )
    settle(name, key.template)
    snapshot.used()
    return snapshot


def _make(key: Key, digest: str, events: Events) -> None:
    vault = store.vault()
    folder = vault.building(digest)
    _require_room(key, folder.parent)
    try:
        vault.remove(digest)  # the remains of a killed process
        folder.mkdir(mode=0o700)
        place = _fill(key, folder, vault.folder(digest), events)
        vault.publish(digest, _record(key, folder, place))
    except OSError as error:
        raise _impossible(folder.parent, error.strerror or str(error)) from error
    except FamulusError as error:
        if free_bytes(folder.parent) < _FULL:  # QEMU dies of a full disk without a message
            full = _impossible(folder.parent, os.strerror(errno.ENOSPC))
            full.add_details(error.details)
            raise full from error
        raise
    finally:
        vault.remove_build(folder)


def _require_room(key: Key, folder: Path) -> None:
    """Raise FamulusError if the disk has no room for the memory that a booting machine touches."""
    need = _TOUCHED + key.memory // 32  # the kernel's tables grow with the memory
    if free_bytes(folder) < need:
        raise _impossible(folder, f"{human_size(need)} of disk are needed")


def _impossible(folder: Path, reason: str) -> FamulusError:
    return FamulusError(
        f"cannot make a snapshot in {folder}: {reason}",
        hint="`famulus snapshot prune` and `famulus template prune` free some room, FAMULUS_HOME "
        "may lie elsewhere, and `up --cold` needs no snapshot.",
    )


def _fill(key: Key, folder: Path, final: Path, events: Events) -> int:
    """Put the snapshot's files into `folder`; return the address of its pool."""
    place = 0
    if key.pool:
        place = plug(key, ensure(key.base, events), folder, events)
    else:
        _boot(key, folder, events)
    make_overlay(final / "disk.qcow2", "qcow2", folder / "overlay.qcow2", DISK_SIZE)
    for name in _FILES:
        (folder / name).chmod(0o400)
    return place


def _boot(key: Key, folder: Path, events: Events) -> None:
    make_overlay(key.template.disk, "raw", folder / "disk.qcow2", DISK_SIZE)
    with (
        events.step("snapshot: boot once, freeze") as step,
        with_last_words(folder),
        machine_sockets(folder) as sockets,
    ):
        machine = key.machine(folder, sockets)
        launch(snapshot_arguments(machine, folder / "ram"), folder)
        _settle(machine, step)
        step.detail("freeze")
        freeze(machine, folder / "state")


def _settle(machine: Machine, step: Step) -> None:
    """Wait until the machine has booted, has run settle.sh and rests."""
    step.detail("boot")
    try:
        ask(machine.socket("agent"), REST, _BOOT_TIMEOUT)
        step.detail("warm up")
        wait_until("the node to settle", lambda: _has_settled(machine), timeout=_SETTLE_TIMEOUT)
    except FamulusError as error:
        raise FamulusError(
            f"the node to be frozen failed: {error.brief}",
            details="\n".join(_serial(machine).splitlines()[-_TAIL:]),
            hint="`famulus up --cold` starts nodes without a snapshot.",
        ) from error
    step.detail("wait until the machine rests")
    rest(machine, _CALM)


def _has_settled(machine: Machine) -> bool:
    if not store.machine_process(machine.folder).running():
        raise FamulusError("QEMU has ended")
    printed = _serial(machine)
    if _NOT_SETTLED in printed:
        raise FamulusError("settle.sh could not bring the node to rest")
    return _SETTLED in printed


def _serial(machine: Machine) -> str:
    try:
        return (machine.folder / "serial.log").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _record(key: Key, folder: Path, place: int) -> dict[str, object]:
    return {
        "template": key.template.digest,
        "template_id": key.template.identity,
        "memory": key.memory,
        "cpus": key.cpus,
        "pool": key.pool,
        "place": place,
        "accel": key.accel,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "sums": sums_of(folder, _FILES),
    }
