# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine to be frozen: its sockets, the wait until it rests, its freeze and its end."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from famulus.backend.machine import Machine
from famulus.backend.qemu import monitor
from famulus.backend.qemu.monitor import Command
from famulus.base import paths
from famulus.base.process import cpu_seconds
from famulus.base.waiting import pause, wait_until
from famulus.snapshot import store

START_TIMEOUT = 60.0  # seconds

_FREEZE_TIMEOUT = 60.0  # seconds
_QUIET_TIMEOUT = 30.0  # seconds; a machine that never rests is frozen then
_QUIET = 0.02  # CPU seconds in _WATCH seconds
_WATCH = 0.5


@contextmanager
def machine_sockets(folder: Path) -> Iterator[Path]:
    """Yield the folder for the sockets of a machine in `folder`; remove it at the block's end."""
    sockets = paths.socket_folder(folder)
    try:
        yield sockets
    finally:
        for path in sockets.iterdir():
            path.unlink()
        sockets.rmdir()


def rest(machine: Machine, calm: float) -> None:
    """Wait until the machine has used almost no CPU time for `calm` seconds in a row."""
    pid = store.machine_process(machine.folder).pid()
    last, waited, quiet = cpu_seconds(pid), 0.0, 0.0
    while quiet < calm and waited < _QUIET_TIMEOUT:
        pause(_WATCH)
        waited += _WATCH
        now = cpu_seconds(pid)
        quiet = quiet + _WATCH if now - last <= _QUIET else 0.0
        last = now


def freeze(machine: Machine, state: Path) -> None:
    """Write the state of the machine's devices to the file `state`, and end the machine.

    The file of its memory stays as it is. Raises FamulusError or OSError if that fails.
    """
    qmp = machine.socket("qmp")
    monitor.execute_all(qmp, [monitor.IGNORE_SHARED, Command("migrate", {"uri": f"file:{state}"})])
    wait_until("the state to be written", lambda: _is_frozen(qmp), timeout=_FREEZE_TIMEOUT)
    with contextlib.suppress(monitor.MonitorError):  # QEMU may end before it answers
        monitor.execute(qmp, "quit")
    store.machine_process(machine.folder).wait_gone("the frozen machine to end", _FREEZE_TIMEOUT)


def _is_frozen(qmp: Path) -> bool:
    migration = monitor.execute(qmp, "query-migrate", timeout=monitor.DISK_TIMEOUT)
    if migration["status"] == "failed":
        raise OSError(0, migration.get("error-desc", "the migration failed"))
    return bool(migration["status"] == "completed")
