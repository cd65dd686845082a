# SPDX-License-Identifier: GPL-2.0-or-later
"""One node of a fabric, running or not: where its things lie and how it is."""

from dataclasses import dataclass
from pathlib import Path

from famulus import monitor
from famulus.errors import FamulusError
from famulus.identity import Identity
from famulus.process import Daemon
from famulus.spec import FabricSpec
from famulus.state import FabricFolder


@dataclass(frozen=True)
class Node:
    """Node `number` of the fabric in `folder`, as `spec` wants it."""

    folder: FabricFolder
    number: int
    spec: FabricSpec

    @property
    def identity(self) -> Identity:
        """The node's name, MAC and address."""
        return Identity(self.number, self.spec.subnet)

    @property
    def name(self) -> str:
        """The node's host name."""
        return self.identity.name

    @property
    def path(self) -> Path:
        """The node's folder."""
        return self.folder.node(self.number)

    @property
    def disk(self) -> Path:
        """The node's own disk, an overlay on a template's."""
        return self.path / "disk.qcow2"

    @property
    def serial_log(self) -> Path:
        """Everything the node ever printed on its serial console."""
        return self.path / "serial.log"

    @property
    def qemu(self) -> Daemon:
        """The node's QEMU."""
        pidfile = self.path / "qemu.pid"
        return Daemon(pidfile, str(pidfile))

    def socket(self, kind: str) -> Path:
        """Return the node's socket of this kind, see `qemu.arguments.Machine.socket`."""
        return self.folder.sockets / f"{self.name}.{kind}"

    def template(self) -> str | None:
        """Return the digest of the template below the node's disk, or None without a disk."""
        try:
            return (self.path / "template").read_text(encoding="ascii").strip()
        except OSError:
            return None

    def snapshot(self) -> str | None:
        """Return the digest of the snapshot below the node's disk, or None if there is none."""
        try:
            return (self.path / "snapshot").read_text(encoding="ascii").strip() or None
        except OSError:
            return None

    def has_disk(self) -> bool:
        """Tell whether the node has a disk of its own, on which its user may have written."""
        return self.template() is not None and self.disk.exists()

    def state(self) -> str:
        """Return `stopped`, `running`, `paused`, or `hung` when its monitor does not answer."""
        if not self.qemu.running():
            return "stopped"
        try:
            state = monitor.run_state(self.socket("qmp"))
        except monitor.MonitorError:
            return "hung" if self.qemu.running() else "stopped"
        return (
            state
            if state in ("running", "paused")
            else "stopped"
            if state in ("shutdown", "inmigrate")  # a clone whose `up` was killed never ran
            else "hung"
        )

    def require_running(self) -> None:
        """Raise FamulusError unless the node runs and is not paused."""
        state = self.state()
        if state == "paused":
            raise FamulusError(
                f"{self.name} is paused", hint=f"`famulus node resume {self.number}`"
            )
        if state != "running":
            raise FamulusError(
                f"{self.name} is {state}", hint="`famulus up` starts what has stopped."
            )

    def serial_tail(self, lines: int = 15) -> str:
        """Return the last lines of the serial log, or an empty string."""
        try:
            text = self.serial_log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])
