# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface to a back end: the hypervisor that runs nodes' machines and their network.

A package under `backend` fulfils these protocols without importing them. `fabric.backends` chooses
the back end of a fabric.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from famulus.backend.machine import Frozen, Machine
from famulus.host.finding import Finding
from famulus.host.programs import Program
from famulus.settings.identity import Identity
from famulus.settings.spec import FabricSpec


class Runner(Protocol):
    """Start, stop and observe one node's machine, which may be off."""

    def start(self, machine: Machine) -> None:
        """Start `machine` from its disk; it boots. No machine of the node runs.

        Raises FamulusError with the hypervisor's words if it refuses; nothing runs then.
        """

    def clone(self, machine: Machine, frozen: Frozen, request: bytes) -> str:
        """Start `machine` as a clone of `frozen`, which has a pool; return the clone's answer.

        `request` are the directives for the agent in the clone. Raises LaunchError if the
        hypervisor starts no machine, FamulusError if the clone cannot be restored or does not
        answer in time; a machine may run then.
        """

    def restore(self, machine: Machine, frozen: Frozen) -> None:
        """Start `machine` as a clone of `frozen`, which has no pool; the clone gets no request.

        Raises LaunchError if the hypervisor starts no machine, FamulusError if the clone cannot be
        restored; a machine may run then.
        """

    def running(self) -> bool:
        """Tell whether the machine is on, in any state."""

    def state(self) -> str:
        """Return `stopped`, `running`, `paused`, or `hung` when the machine does not answer."""

    def pid(self) -> int | None:
        """Return the process id of the machine's QEMU, or None if it is off or unknown."""

    def last_words(self) -> str:
        """Return the last lines that the machine's hypervisor printed; often there are none."""

    def kill(self) -> None:
        """End the machine at once. Nothing happens if it is off."""

    def wait_gone(self, event: str, timeout: float) -> None:
        """Wait until the machine is off.

        Raises FamulusError that names the `event` after `timeout` seconds.
        """

    def pause(self) -> None:
        """Halt the machine's CPUs."""

    def resume(self) -> None:
        """Let the machine's CPUs go on."""

    def reconnect(self) -> None:
        """Connect the machine's cable to the present network, if that was started anew."""

    def console(self) -> int:
        """Attach the user's terminal to the machine's console until the user leaves.

        Returns the exit code. Raises FamulusError if the machine ends meanwhile.
        """


class Network(Protocol):
    """The network of one fabric, which need not run."""

    @property
    def name_server(self) -> IPv4Address:
        """The address of the network's name server."""

    @property
    def libvirt_name(self) -> str | None:
        """The network's name in libvirt, or None if libvirt does not know the network."""

    def running(self) -> bool:
        """Tell whether the whole network runs."""

    def start_switch(self, keep: int) -> None:
        """Start the part of the network that a node needs in order to start.

        A process that is started holds the file descriptor `keep`, of the pool, until `stop`.
        """

    def keeper(self) -> int | None:
        """Return the process that holds the descriptor given to `start_switch`, if there is one."""

    def start(self) -> None:
        """Start the whole network. Nothing happens if it runs.

        Raises FamulusError if it cannot be started.
        """

    def stop(self) -> None:
        """Undo `start`. Nothing happens if the network does not run or is in use."""

    def remove(self) -> bool:
        """Remove the network and all that is stored about it; tell whether there was a network.

        Raises FamulusError if foreign machines are on it.
        """

    def forward(self, wanted: Mapping[Identity, int]) -> dict[Identity, int]:
        """Lead a port of the host to the ssh of each node, from the `wanted` port on.

        Returns the ports; none where the host reaches nodes without a port.
        """

    def unforward(self, node: Identity) -> None:
        """Give back the port that leads to `node`, if there is a port."""

    def way(self, node: Identity, port: int | None) -> tuple[str, int] | None:
        """Return the address and port at which the host reaches the ssh of `node`.

        `port` is the port that `forward` returned for the node. Returns None if there is no way.
        """


class Backend(Protocol):
    """The back end of one fabric: its machines, its network, and their abilities."""

    @property
    def no_clones(self) -> str:
        """The reason why new nodes cannot be clones; empty if they can."""

    @property
    def doorbells(self) -> bool:
        """Whether machines can have a doorbell."""

    @property
    def makes_pools(self) -> bool:
        """Whether the hypervisor finds the pool by its name alone, and makes a missing pool."""

    @property
    def programs(self) -> tuple[Program, ...]:
        """The programs that this back end needs besides those of host.programs."""

    def sockets(self, folder: Path) -> Path:
        """Return the folder for the sockets of the node in `folder`."""

    def runner(self, name: str, folder: Path) -> Runner:
        """Return the runner of the node called `name`, whose files lie in `folder`."""

    def network(self, nodes: Sequence[Identity]) -> Network:
        """Return the fabric's network, on which `nodes` have addresses."""

    def findings(self, pool: Path, nodes: Sequence[Identity]) -> list[Finding]:
        """Return whether this host can run `nodes` on the back end, with the pool at `pool`."""

    def end_all(self, folders: Iterable[Path]) -> None:
        """End every machine of the nodes in `folders`, and every process of the network.

        Needs no state of the fabric or of the nodes.
        """

    def forget(self, folder: Path) -> None:
        """End the machine of the node in `folder` and remove its data outside `folder`."""


def clones(spec: FabricSpec, backend: Backend) -> bool:
    """Tell whether new nodes are cloned: unless `spec` says otherwise, or the back end cannot."""
    return not spec.cold and not backend.no_clones


def rings(spec: FabricSpec, backend: Backend) -> bool:
    """Tell whether nodes get a doorbell: if `spec` asks for one and the back end can."""
    return spec.doorbell and backend.doorbells
