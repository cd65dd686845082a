# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, stop and observe the QEMU process that is a node's machine."""

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from famulus.backend.machine import Frozen, Machine
from famulus.backend.qemu import console, monitor, replug
from famulus.backend.qemu.arguments import clone_arguments, node_arguments
from famulus.backend.qemu.launch import last_words, launch
from famulus.backend.qemu.pci import place_pool
from famulus.backend.qemu.user import UserNetwork
from famulus.base.errors import FamulusError
from famulus.base.process import Daemon
from famulus.transport.agent import began, framed

_CLONE_TIMEOUT = 60.0  # seconds in which a restored clone has answered
_RESTORE_TIMEOUT = 60.0  # seconds in which QEMU has restored a machine, on a busy host
_BEGIN_TIMEOUT, _LOOK_AGAIN = 2.0, 0.02  # seconds


def qemu_process(folder: Path) -> Daemon:
    """Return the QEMU process of the node whose folder is `folder`."""
    pidfile = folder / "qemu.pid"
    return Daemon(pidfile, str(pidfile))


@dataclass(frozen=True)
class QemuRunner:
    """The QEMU process of the node called `name`, whose pid file and log lie in `folder`."""

    name: str
    folder: Path
    network: UserNetwork

    @property
    def daemon(self) -> Daemon:
        """The QEMU process."""
        return qemu_process(self.folder)

    @property
    def qmp(self) -> Path:
        """The socket of the monitor."""
        return self._socket("qmp")

    def start(self, machine: Machine) -> None:
        """See Runner."""
        self._launch(machine, node_arguments(machine, self.network.switch_folder))

    def clone(self, machine: Machine, frozen: Frozen, request: bytes) -> str:
        """See Runner."""
        ours, its = socket.socketpair()
        with ours, its:
            argv = self._clone_arguments(machine, frozen, its.fileno())
            words = framed(request).decode()
            self._launch(machine, argv, stdin=words, pass_fds=[its.fileno()])
            its.close()
            before = place_pool(frozen.place)
            when = monitor.restore(self.qmp, before, frozen.state, _RESTORE_TIMEOUT)
            return began(ours, when, _CLONE_TIMEOUT)

    def restore(self, machine: Machine, frozen: Frozen) -> None:
        """See Runner."""
        self._launch(machine, self._clone_arguments(machine, frozen))
        monitor.restore(self.qmp, (), frozen.state, _RESTORE_TIMEOUT)

    def running(self) -> bool:
        """See Runner."""
        return self.daemon.running()

    def state(self) -> str:
        """See Runner."""
        if not self._is_ready():
            return "stopped"
        try:
            state = monitor.run_state(self.qmp)
        except monitor.MonitorError:
            return "hung" if self.running() else "stopped"
        if state in ("shutdown", "inmigrate"):  # a clone whose `up` was killed never ran
            return "stopped"
        return state if state in ("running", "paused") else "hung"

    def pid(self) -> int | None:
        """See Runner."""
        return self.daemon.pid()

    def last_words(self) -> str:
        """See Runner."""
        return last_words(self.folder)

    def kill(self) -> None:
        """See Runner."""
        self.daemon.kill()

    def wait_gone(self, event: str, timeout: float) -> None:
        """See Runner."""
        self.daemon.wait_gone(event, timeout)

    def pause(self) -> None:
        """See Runner."""
        monitor.execute(self.qmp, "stop", timeout=monitor.DISK_TIMEOUT)

    def resume(self) -> None:
        """See Runner."""
        monitor.execute(self.qmp, "cont")

    def reconnect(self) -> None:
        """See Runner."""
        replug.ensure(self.qmp, self.network, self.daemon, self.folder)

    def console(self) -> int:
        """See Runner."""
        if console.attach(self._socket("console")):
            raise FamulusError(f"{self.name} has ended")
        return 0

    def _socket(self, kind: str) -> Path:
        return self.network.sockets / f"{self.name}.{kind}"

    def _clone_arguments(
        self, machine: Machine, frozen: Frozen, beside: int | None = None
    ) -> list[str]:
        return clone_arguments(machine, self.network.switch_folder, frozen.ram, beside)

    def _launch(
        self, machine: Machine, argv: list[str], *, stdin: str = "", pass_fds: Sequence[int] = ()
    ) -> None:
        for stale in self.network.sockets.glob(f"{self.name}.*"):
            stale.unlink()
        launch(argv, machine.folder, stdin=stdin, pass_fds=pass_fds)
        machine.serial_log.chmod(0o600)

    def _is_ready(self) -> bool:
        """Tell whether QEMU runs; wait for the monitor of a QEMU that has just begun.

        QEMU writes its pid file before it opens the monitor. Clean-up calls this function too, so
        an interrupt must not end the wait.
        """
        deadline = time.monotonic() + _BEGIN_TIMEOUT
        while (running := self.running()) and not self.qmp.exists() and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN)
        return running
