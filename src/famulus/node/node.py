# SPDX-License-Identifier: GPL-2.0-or-later
"""One node of a fabric, running or not: where its things lie and how it is."""

import time
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.process import Daemon
from famulus.base.waiting import pause
from famulus.coherence.caches import Caches
from famulus.doorbell.service import Doorbell
from famulus.host.space import why_nothing_fits
from famulus.node.runner import DomainRunner, QemuRunner, Runner
from famulus.pool.file import pool_path
from famulus.settings.fabric_name import DEFAULT_NAME
from famulus.settings.identity import Identity
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder

_HALT_TIMEOUT, _LOOK_AGAIN = 3.0, 0.1  # seconds


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

    @property
    def domain(self) -> str:
        """The name under which libvirt knows the node, if it runs it."""
        fabric = self.folder.name
        return self.name if fabric == DEFAULT_NAME else f"{fabric}-{self.name}"

    @property
    def runner(self) -> Runner:
        """What runs the node's machine."""
        if self.spec.network == "libvirt":
            return DomainRunner(self.domain)
        return QemuRunner(self.qemu, self.socket("qmp"))

    def socket(self, kind: str) -> Path:
        """Return the node's socket of this kind, see `qemu.arguments.Machine.socket`.

        libvirt starts domains by itself when the host has booted, and /tmp is empty then.
        """
        folder = self.path if self.spec.network == "libvirt" else self.folder.sockets
        return folder / f"{self.name}.{kind}"

    @property
    def doorbell(self) -> Path | None:
        """The socket of the doorbell's server for this node, or None if it shall have none."""
        return Doorbell(self.folder.doorbell).socket(self.number) if self.spec.rings else None

    @property
    def caches(self) -> Caches | None:
        """The caches of which the node has one, or that watch it; None if it has no plugin."""
        return Caches(pool_path(self.folder.name, self.spec)) if self.spec.watched else None

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
        return self.runner.state()

    def running(self) -> bool:
        """Tell whether its machine is there, whatever it does."""
        return self.runner.running()

    def require_running(self) -> None:
        """Raise FamulusError unless the node runs and is not paused."""
        state = self._settled_state()
        if state == "paused":
            raise FamulusError(
                f"{self.name} is paused", hint=f"`famulus node resume {self.number}`"
            )
        if state != "running":
            raise FamulusError(
                f"{self.name} is {state}",
                details=why_nothing_fits(pool_path(self.folder.name, self.spec)),
                hint="`famulus up` starts what has stopped.",
            )

    def _settled_state(self) -> str:
        """Return the state, not that of the moment for which a node halts that somebody watches."""
        deadline = time.monotonic() + (_HALT_TIMEOUT if self.spec.watched else 0)
        while (state := self.state()) == "paused" and time.monotonic() < deadline:
            pause(_LOOK_AGAIN)
        return state

    def serial_tail(self, lines: int = 15) -> str:
        """Return the last lines of the serial log, or an empty string."""
        return _tail(self.serial_log, lines)

    def qemu_tail(self, lines: int = 15) -> str:
        """Return the last lines that its QEMU has said, or an empty string."""
        return _tail(self.path / "qemu.log", lines)


def _tail(path: Path, lines: int) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
