# SPDX-License-Identifier: GPL-2.0-or-later
"""One node of a fabric, running or not: its files, its sockets, its state."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.files import tail
from famulus.base.waiting import pause
from famulus.coherence.caches import HOST, READER, Caches
from famulus.doorbell.service import Doorbell
from famulus.host.space import why_nothing_fits
from famulus.node.backend import Backend, Runner, rings
from famulus.pool.file import Pool
from famulus.settings.identity import Identity, node_name
from famulus.settings.spec import FabricSpec
from famulus.state.below import below
from famulus.state.folder import FabricFolder

THE_CHECKER = "the checker"
_HALT_TIMEOUT, _LOOK_AGAIN = 3.0, 0.1  # seconds


@dataclass(frozen=True)
class Wait:
    """A CPU of a node has waited `seconds` for `whom`: a node's name, or THE_CHECKER."""

    whom: str
    seconds: int

    def __str__(self) -> str:
        return f"waits {self.seconds} s for {self.whom}"


@dataclass(frozen=True)
class Node:
    """Node `number` of the fabric in `folder` with the `pool`, as `spec` wants it.

    The node is run by `backend`.
    """

    folder: FabricFolder
    number: int
    spec: FabricSpec
    backend: Backend
    pool: Pool

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
        """The node's own disk, an overlay on a template's or a snapshot's."""
        return self.path / "disk.qcow2"

    @property
    def serial_log(self) -> Path:
        """The file with everything that the node ever printed on its serial console."""
        return self.path / "serial.log"

    @property
    def runner(self) -> Runner:
        """The runner of the node's machine."""
        return self.backend.runner(self.name, self.path)

    @property
    def sockets(self) -> Path:
        """The folder of the node's sockets."""
        return self.backend.sockets(self.path)

    def socket(self, kind: str) -> Path:
        """Return the node's socket of this kind, see `backend.machine.Machine.socket`."""
        return self.sockets / f"{self.name}.{kind}"

    @property
    def rings(self) -> bool:
        """Whether the node has a doorbell."""
        return rings(self.spec, self.backend)

    @property
    def doorbell(self) -> Path | None:
        """The socket of the doorbell's server for this node, or None without a doorbell."""
        return Doorbell(self.folder.doorbell).socket(self.number) if self.rings else None

    @property
    def plugin_caches(self) -> Caches | None:
        """The caches before the pool, whose files the node's plugin uses; None without a plugin."""
        return Caches(self.pool.path, self.pool.held) if self.spec.watched else None

    def template(self) -> str | None:
        """Return the digest of the template below the node's disk, or None without a disk."""
        return found.name if (found := below(self.path, "template")) else None

    def snapshot(self) -> str | None:
        """Return the name of the snapshot below the node's disk, or None if there is none."""
        return found.name if (found := below(self.path, "snapshot")) else None

    def has_disk(self) -> bool:
        """Tell whether the node has a disk of its own, which may hold its user's files.

        Raises FamulusError if the host cannot tell.
        """
        return self.template() is not None and self.disk.exists()

    def state(self) -> str:
        """Return `stopped`, `running`, `paused`, or `hung` when its machine does not answer."""
        return self.runner.state()

    def running(self) -> bool:
        """Tell whether the node's machine is on, in any state."""
        return self.runner.running()

    def pause(self) -> None:
        """Halt the node's CPUs; pool and disk stay. Raises FamulusError if the node is off."""
        self.require_running()
        with self._hurried():
            self.runner.pause()

    @contextmanager
    def _hurried(self) -> Iterator[None]:
        """Have the node's CPUs wait for no reader of their accesses while the block runs."""
        if self.plugin_caches is None:
            yield
            return
        self.plugin_caches.hurry(self.number, begin=True)
        try:
            yield
        finally:
            self.plugin_caches.hurry(self.number, begin=False)

    def waits(self) -> Wait | None:
        """Return what a CPU of the node has waited for, for more than a second, or None."""
        counts = self.plugin_caches.counts() if self.plugin_caches else []
        for count in counts:
            if count.number == self.number and count.waits_for:
                return Wait(_waited_for(count.waits_for), count.waits)
        return None

    def resume(self) -> None:
        """Let a paused node go on. Raises FamulusError if the node is off."""
        if self.state() == "stopped":
            self.require_running()
        self.runner.resume()

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
                details=why_nothing_fits(self.pool.path),
                hint="`famulus up` starts the node.",
            )

    def _settled_state(self) -> str:
        """Return the state; wait until a watched node goes on, which halts for moments."""
        deadline = time.monotonic() + (_HALT_TIMEOUT if self.spec.watched else 0)
        while (state := self.state()) == "paused" and time.monotonic() < deadline:
            pause(_LOOK_AGAIN)
        return state

    def serial_tail(self) -> str:
        """Return the last lines of the serial log, or an empty string."""
        return tail(self.serial_log)

    def last_words(self) -> str:
        """Return the last lines that the node's hypervisor printed, or an empty string."""
        return self.runner.last_words()


def _waited_for(number: int) -> str:
    names = {READER: THE_CHECKER, HOST: "a command of the host"}
    return names.get(number) or node_name(number)
