# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a snapshot with a pool of some size from the base without a pool, in seconds.

The machine is restored with a pool that nobody uses. Its kernel finds the device and places the
pool; its agent makes the files that clones will fill, and polls for a request when the machine is
frozen.
"""

import shutil
from pathlib import Path

from famulus.backend.qemu import monitor
from famulus.backend.qemu.arguments import plug_arguments
from famulus.backend.qemu.launch import launch, with_last_words
from famulus.backend.qemu.pci import pool_place
from famulus.base.errors import FamulusError
from famulus.base.events import Events, Step
from famulus.base.process import cpu_seconds
from famulus.base.run import run
from famulus.base.units import format_size
from famulus.base.waiting import wait_until
from famulus.snapshot import store
from famulus.snapshot.key import Key
from famulus.snapshot.machine import START_TIMEOUT, freeze, machine_sockets, rest
from famulus.snapshot.ready import READY
from famulus.snapshot.store import Snapshot
from famulus.transport.agent import AWAIT, PLUG, ask, ready_request

_TIMEOUT = 60.0  # seconds
_CALM = 5.0  # seconds; the kernel's deferred work is done by then, so that no clone has to do it
_SPUN = 0.3  # CPU seconds; the agent needs a tenth before it polls (guest/agent/clone.c)


def plug(key: Key, base: Snapshot, folder: Path, events: Events) -> int:
    """Put the files of a snapshot for `key` into `folder`, made from `base`.

    Returns the address at which the machine's kernel has placed the pool. Raises FamulusError.
    """
    try:
        with events.step(f"snapshot: with a pool of {format_size(key.pool)}") as step:
            return _plug(key, base, folder, step)
    except FamulusError as error:
        raise FamulusError(
            f"the snapshot {base.digest} could not be given a pool: {error.brief}",
            details=error.details,
            hint="`famulus snapshot prune` makes way for a new snapshot; `up --cold` needs none.",
        ) from error


def _plug(key: Key, base: Snapshot, folder: Path, step: Step) -> int:
    _copy(base, folder)
    with with_last_words(folder), machine_sockets(folder) as sockets:
        machine = key.machine(folder, sockets)
        launch(plug_arguments(machine, folder / "ram"), folder)
        monitor.restore(machine.socket("qmp"), (), base.state, START_TIMEOUT)
        agent = machine.socket("agent")
        ask(agent, PLUG + ready_request(READY) + b"sync\n", _TIMEOUT)
        step.detail("wait until the machine rests")
        rest(machine, _CALM)
        pid = store.machine_process(folder).pid()
        before = cpu_seconds(pid)
        ask(agent, AWAIT, _TIMEOUT)
        wait_until("the agent to wait", lambda: cpu_seconds(pid) - before > _SPUN, timeout=_TIMEOUT)
        step.detail("freeze")
        place = pool_place(monitor.execute(machine.socket("qmp"), "query-pci"))
        freeze(machine, folder / "state")
    machine.pool_file.unlink()
    return place


def _copy(base: Snapshot, folder: Path) -> None:
    """Copy the memory, holes and all, the disk and the log."""
    run(["cp", "--sparse=always", "--", base.ram, folder / "ram"], timeout=_TIMEOUT)
    for path in (base.disk, base.boot_log):
        shutil.copyfile(path, folder / path.name)
    (folder / "ram").chmod(0o600)
