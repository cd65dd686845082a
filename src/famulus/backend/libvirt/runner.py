# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, stop and observe the libvirt domain that is a node's machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from famulus.backend.libvirt import domain, virt
from famulus.backend.machine import Frozen, Machine
from famulus.base.errors import FamulusError
from famulus.base.files import tail
from famulus.base.process import Daemon
from famulus.base.session import interactive
from famulus.base.waiting import wait_until

_PIDFILES = Path("/run/libvirt/qemu")
_LOGS = Path("/var/log/libvirt/qemu")


@dataclass(frozen=True)
class DomainRunner:
    """The domain called `name` of the node in `folder`, on libvirt's network called `network`.

    libvirt need not know the domain.
    """

    name: str
    folder: Path
    network: str

    def start(self, machine: Machine) -> None:
        """See Runner. Raises FamulusError if another owner has a domain of that name."""
        domain.start(machine, self.name, self.network)

    def clone(self, machine: Machine, frozen: Frozen, request: bytes) -> NoReturn:  # noqa: ARG002
        """Raise FamulusError: see LibvirtBackend.no_clones."""
        raise FamulusError(f"libvirt cannot clone {self.name}")

    def restore(self, machine: Machine, frozen: Frozen) -> NoReturn:  # noqa: ARG002
        """Raise FamulusError: see LibvirtBackend.no_clones."""
        raise FamulusError(f"libvirt cannot clone {self.name}")

    def running(self) -> bool:
        """See Runner."""
        with virt.connected():
            found = virt.find("domain", self.name)
            return found is not None and bool(found.isActive())

    def state(self) -> str:
        """See Runner. The words are those of libvirt's virDomainState."""
        found = virt.find("domain", self.name)
        if found is None:
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
            return known.get(found.state()[0], "hung")

    def pid(self) -> int | None:
        """See Runner."""
        pidfile = _PIDFILES / f"{self.name}.pid"
        return Daemon(pidfile, f"guest={self.name},").pid()

    def last_words(self) -> str:
        """See Runner. libvirt keeps them in a log that only root may read."""
        return tail(_LOGS / f"{self.name}.log")

    def kill(self) -> None:
        """See Runner."""
        if self.running():
            self._call("destroy")

    def wait_gone(self, event: str, timeout: float) -> None:
        """See Runner."""
        wait_until(event, lambda: not self.running(), timeout=timeout)

    def pause(self) -> None:
        """See Runner."""
        self._call("suspend")

    def resume(self) -> None:
        """See Runner."""
        self._call("resume")

    def reconnect(self) -> None:
        """See Runner. The host's bridge does not restart."""

    def console(self) -> int:
        """See Runner."""
        return interactive(domain.console_command(self.name))

    def _call(self, method: str) -> None:
        found = virt.find("domain", self.name)
        if found is None:
            raise FamulusError(f"libvirt knows no domain {self.name}", hint="`famulus up`")
        with virt.connected():
            getattr(found, method)()
