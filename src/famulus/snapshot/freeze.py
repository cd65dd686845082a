# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a snapshot: boot a template, let it come to rest, freeze it. Finished, or not there."""

import contextlib
import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from famulus import monitor, paths
from famulus.agent import REST, ask
from famulus.errors import FamulusError
from famulus.events import Events, Step
from famulus.host.space import free_bytes
from famulus.monitor import Command
from famulus.process import cpu_seconds
from famulus.qemu.arguments import Machine, snapshot_arguments
from famulus.qemu.disk import make_overlay
from famulus.run import run
from famulus.snapshot import store
from famulus.snapshot.key import Key
from famulus.snapshot.store import Snapshot
from famulus.snapshot.sums import sums_of
from famulus.template.recipe import DISK_SIZE
from famulus.units import MIB, human_size
from famulus.waiting import pause, wait_until

log = logging.getLogger("famulus")

IGNORE_SHARED = Command(
    "migrate-set-capabilities",
    {"capabilities": [{"capability": "x-ignore-shared", "state": True}]},
)

_START_LIMIT = 60.0  # seconds
_BOOT_LIMIT = 300.0
_SETTLE_LIMIT = 300.0
_FREEZE_LIMIT = 60.0
_QUIET_LIMIT = 20.0  # seconds; a node that never rests is frozen all the same
_QUIET = 0.02  # CPU seconds in _WATCH seconds
_WATCH = 0.5
_SETTLED = "famulus: settled"  # the last words of guest/template/settle.sh, or
_NOT_SETTLED = "famulus: not settled"
_FILES = ("ram", "state", "disk.qcow2", "overlay.qcow2")
_TAIL = 15  # lines
_TOUCHED = 256 * MIB  # memory and disk; measured: 200 MiB
_FULL = 4 * MIB


def ensure(key: Key, events: Events) -> Snapshot:
    """Return the snapshot for `key`, made now if it is not there or no longer whole.

    Several processes may ask at once: one makes it, the others wait and take the result. On
    failure, interrupt or kill nothing remains that looks finished, and nothing runs.
    """
    digest = key.digest()
    found = store.find(digest)
    if found:
        found.used()
        return found
    paths.make_private(paths.snapshots())
    with store.vault().locked(digest, lambda: events.note("waiting for another's snapshot")):
        return store.find(digest) or _make(key, digest, events)


def discard(snapshot: Snapshot) -> None:
    """Remove a snapshot that QEMU could not restore, so that it is made again."""
    with store.vault().locked(snapshot.digest, lambda: None):
        store.vault().remove(snapshot.digest)


def _make(key: Key, digest: str, events: Events) -> Snapshot:
    vault = store.vault()
    folder = vault.building(digest)
    _require_room(key, folder.parent)
    try:
        vault.remove(digest)  # what a killed one left
        folder.mkdir(mode=0o700)
        with events.step("snapshot: boot once, freeze") as step:
            _fill(key, folder, vault.folder(digest), step)
            vault.publish(digest, _record(key, folder))
    except OSError as error:
        raise _impossible(folder.parent, error.strerror or str(error)) from error
    except FamulusError as error:
        if free_bytes(folder.parent) < _FULL:  # QEMU dies of it without a word
            raise _impossible(folder.parent, os.strerror(errno.ENOSPC)) from error
        raise
    finally:
        vault.remove_build(folder)
    snapshot = store.find(digest)
    if snapshot is None:
        raise FamulusError(f"the snapshot {digest} was made but cannot be read")
    return snapshot


def _require_room(key: Key, folder: Path) -> None:
    """Raise FamulusError if the disk has no room for what a machine touches while it boots."""
    need = _TOUCHED + key.memory // 32  # its kernel's tables grow with its memory
    if free_bytes(folder) < need:
        raise _impossible(folder, f"it needs {human_size(need)} of disk")


def _impossible(folder: Path, why: str) -> FamulusError:
    return FamulusError(
        f"cannot make a snapshot in {folder}: {why}",
        hint="`famulus snapshot prune` and `famulus template prune` free some room, FAMULUS_HOME "
        "may lie elsewhere, and `up --cold` needs no snapshot.",
    )


def _fill(key: Key, folder: Path, final: Path, step: Step) -> None:
    make_overlay(key.template.disk, "raw", folder / "disk.qcow2", DISK_SIZE)
    make_overlay(final / "disk.qcow2", "qcow2", folder / "overlay.qcow2", DISK_SIZE)
    with _sockets(folder) as sockets:
        machine = key.machine(folder, sockets)
        run(snapshot_arguments(machine, folder / "ram"), timeout=_START_LIMIT)
        _settle(machine, step)
        step.detail("freeze")
        _freeze(machine, folder / "state")
    for name in _FILES:
        (folder / name).chmod(0o400)


@contextmanager
def _sockets(folder: Path) -> Iterator[Path]:
    sockets = paths.socket_folder(folder)
    try:
        yield sockets
    finally:
        for path in sockets.iterdir():
            path.unlink()
        sockets.rmdir()


def _settle(machine: Machine, step: Step) -> None:
    """Wait until the machine has booted, done its last words' work and come to rest."""
    step.detail("boot")
    try:
        ask(machine.socket("agent"), REST, _BOOT_LIMIT)
        step.detail("warm up")
        wait_until("the node to settle", lambda: _has_settled(machine), limit=_SETTLE_LIMIT)
    except FamulusError as error:
        raise FamulusError(
            f"the node to be frozen failed: {error.brief}",
            details="\n".join(_serial(machine).splitlines()[-_TAIL:]),
            hint="`famulus up --cold` starts nodes without a snapshot.",
        ) from error
    step.detail("wait until it rests")
    pid = store.machine_process(machine.folder).pid()
    last, waited = cpu_seconds(pid), 0.0
    while waited < _QUIET_LIMIT:
        pause(_WATCH)
        waited += _WATCH
        now = cpu_seconds(pid)
        if now - last <= _QUIET:
            return
        last = now


def _has_settled(machine: Machine) -> bool:
    if not store.machine_process(machine.folder).running():
        raise FamulusError("its QEMU has ended")
    printed = _serial(machine)
    if _NOT_SETTLED in printed:
        raise FamulusError("it could not be brought to rest")
    return _SETTLED in printed


def _serial(machine: Machine) -> str:
    try:
        return (machine.folder / "serial.log").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _freeze(machine: Machine, state: Path) -> None:
    """Write the machine's state to `state`, as the file of its memory is left; end it."""
    qmp = machine.socket("qmp")
    monitor.execute_all(qmp, [IGNORE_SHARED, Command("migrate", {"uri": f"file:{state}"})])
    wait_until("the state to be written", lambda: _is_frozen(qmp), limit=_FREEZE_LIMIT)
    with contextlib.suppress(monitor.MonitorError):  # it may be gone before it has answered
        monitor.execute(qmp, "quit")
    store.machine_process(machine.folder).wait_gone("the frozen machine to end", _FREEZE_LIMIT)


def _is_frozen(qmp: Path) -> bool:
    migration = monitor.execute(qmp, "query-migrate")
    if migration["status"] == "failed":
        raise OSError(0, migration.get("error-desc", "the migration failed"))
    return bool(migration["status"] == "completed")


def _record(key: Key, folder: Path) -> dict[str, object]:
    return {
        "template": key.template.digest,
        "memory": key.memory,
        "cpus": key.cpus,
        "accel": key.accel,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "sums": sums_of(folder, _FILES),
    }
