# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs a node's machine: a QEMU of ours, or a domain of libvirt's."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from famulus.backend.libvirt import virt
from famulus.backend.qemu import monitor
from famulus.base.errors import FamulusError
from famulus.base.process import Daemon
from famulus.base.waiting import wait_until

_BEGIN_TIMEOUT, _LOOK_AGAIN = 2.0, 0.02  # seconds
_PIDFILES = Path("/run/libvirt/qemu")


class Runner(Protocol):
    """One machine, on or off."""

    def running(self) -> bool:
        """Tell whether the machine is there, whatever it does."""

    def state(self) -> str:
        """Return `stopped`, `running`, `paused`, or `hung` when it does not answer."""

    def pid(self) -> int | None:
        """Return the number of its QEMU's process, or None if it is off or cannot be told."""

    def kill(self) -> None:
        """End it at once. Nothing happens if it is off."""

    def wait_gone(self, what: str, timeout: float) -> None:
        """Wait until it is off. Raises FamulusError that names `what` after `timeout` seconds."""

    def pause(self) -> None:
        """Halt its CPUs."""

    def resume(self) -> None:
        """Let its CPUs go on."""


@dataclass(frozen=True)
class QemuRunner:
    """A QEMU that Famulus has started, with its monitor at the socket `qmp`."""

    daemon: Daemon
    qmp: Path

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

    def _is_ready(self) -> bool:
        """Tell whether it runs; wait for the monitor of one that has just begun.

        QEMU writes its number down first. Cleaning up asks as well, so this ends with no interrupt.
        """
        deadline = time.monotonic() + _BEGIN_TIMEOUT
        while (running := self.running()) and not self.qmp.exists() and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN)
        return running

    def pid(self) -> int | None:
        """See Runner."""
        return self.daemon.pid()

    def kill(self) -> None:
        """See Runner."""
        self.daemon.kill()

    def wait_gone(self, what: str, timeout: float) -> None:
        """See Runner."""
        self.daemon.wait_gone(what, timeout)

    def pause(self) -> None:
        """See Runner."""
        monitor.execute(self.qmp, "stop", timeout=monitor.DISK_TIMEOUT)

    def resume(self) -> None:
        """See Runner."""
        monitor.execute(self.qmp, "cont")


@dataclass(frozen=True)
class DomainRunner:
    """The domain called `name`; libvirt need not know it."""

    name: str

    def running(self) -> bool:
        """See Runner."""
        with virt.connected():
            domain = virt.find("domain", self.name)
            return domain is not None and bool(domain.isActive())

    def state(self) -> str:
        """See Runner. The words are those of libvirt's virDomainState."""
        domain = virt.find("domain", self.name)
        if domain is None:
            return "stopped"
        library = virt.library()
        known = {
            library.VIR_DOMAIN_RUNNING: "running",
            library.VIR_DOMAIN_BLOCKED: "running",
            library.VIR_DOMAIN_SHUTDOWN: "running",
            library.VIR_DOMAIN_PAUSED: "paused",
            library.VIR_DOMAIN_SHUTOFF: "stopped",
        }
        with virt.connected():
            return known.get(domain.state()[0], "hung")

    def pid(self) -> int | None:
        """See Runner."""
        pidfile = _PIDFILES / f"{self.name}.pid"
        return Daemon(pidfile, f"guest={self.name},").pid()

    def kill(self) -> None:
        """See Runner."""
        if self.running():
            self._do("destroy")

    def wait_gone(self, what: str, timeout: float) -> None:
        """See Runner."""
        wait_until(what, lambda: not self.running(), timeout=timeout)

    def pause(self) -> None:
        """See Runner."""
        self._do("suspend")

    def resume(self) -> None:
        """See Runner."""
        self._do("resume")

    def _do(self, verb: str) -> None:
        domain = virt.find("domain", self.name)
        if domain is None:
            raise FamulusError(f"libvirt knows no domain {self.name}", hint="`famulus up`")
        with virt.connected():
            getattr(domain, verb)()
