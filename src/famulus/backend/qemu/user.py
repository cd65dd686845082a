# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, find and stop the rootless network of one fabric: a switch and a gateway."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from famulus.backend.qemu import monitor
from famulus.backend.qemu.cable import plugged_in
from famulus.backend.qemu.switch_arguments import (
    SWITCH_RC,
    gateway_arguments,
    parse_forwards,
    switch_arguments,
)
from famulus.base.errors import FamulusError
from famulus.base.files import write_private
from famulus.base.process import Daemon
from famulus.base.run import run
from famulus.base.waiting import wait_until
from famulus.settings.identity import Identity, name_server

_TIMEOUT = 20.0  # seconds for a start
_PORT_TRIES = 1000
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class UserNetwork:
    """The network whose sockets and pid files lie in `sockets`; it need not run.

    See node.backend.Network.
    """

    sockets: Path
    subnet: IPv4Network

    @property
    def switch_folder(self) -> Path:
        """The folder through which QEMU joins the switch."""
        return self.sockets / "switch"

    @property
    def name_server(self) -> IPv4Address:
        """See Network. The gateway is the name server."""
        return name_server(self.subnet)

    @property
    def libvirt_name(self) -> None:
        """See Network. libvirt does not know this network."""

    @property
    def switch(self) -> Daemon:
        """The switch's process."""
        return Daemon(self.sockets / "switch.pid", str(self.switch_folder))

    @property
    def gateway(self) -> Daemon:
        """The gateway's process."""
        return Daemon(self.sockets / "gateway.pid", str(self._monitor))

    @property
    def _monitor(self) -> Path:
        return self.sockets / "gateway.qmp"

    def running(self) -> bool:
        """Tell whether both the switch and the gateway run."""
        return self.switch.running() and self.gateway.running()

    def start_switch(self, keep: int | None = None) -> None:
        """Start the switch, if it does not run. A node needs nothing else in order to start.

        The switch holds the file descriptor `keep` for as long as it runs.
        """
        if not self.switch.running():
            self.gateway.kill()
            self._start_switch([] if keep is None else [keep])

    def keeper(self) -> int | None:
        """See Network."""
        return self.switch.pid()

    def start(self) -> None:
        """Start the switch and the gateway. A gateway whose switch ended is started anew."""
        self.start_switch()
        if not self.gateway.running():
            self._start_gateway()

    def stop(self) -> None:
        """Stop the switch and the gateway. Nothing happens if they do not run."""
        self.gateway.kill()
        self.switch.kill()
        self._sweep_switch()
        self._monitor.unlink(missing_ok=True)

    def remove(self) -> bool:
        """Stop the network, of which nothing else remains; tell whether it ran."""
        ran = self.switch.running() or self.gateway.running()
        self.stop()
        return ran

    def forwards(self) -> dict[str, int]:
        """Return the host's port that leads to the ssh of a node, by the node's address."""
        return parse_forwards(monitor.human(self._monitor, "info usernet"))

    def forward(self, wanted: Mapping[Identity, int]) -> dict[Identity, int]:
        """Lead a port of 127.0.0.1 to the ssh of each node and return the ports.

        A node that has a port keeps the port. Other nodes get the first free port from the `wanted`
        port on; the kernel tells which ports are free. Raises FamulusError if none of the next
        1,000 ports is free.
        """
        existing = self.forwards()
        ports = {node: existing.get(str(node.address), 0) for node in wanted}
        new = {node: port for node, port in wanted.items() if not ports[node]}
        commands = [monitor.human_command(_add(node, port)) for node, port in new.items()]
        answers = monitor.execute_all(self._monitor, commands, timeout=_TIMEOUT) if new else []
        for (node, port), answer in zip(new.items(), answers, strict=True):
            ports[node] = self._forward_later(node, port + 1) if answer.strip() else port
        return ports

    def _forward_later(self, node: Identity, first: int) -> int:
        for port in _ports_from(first):
            if not monitor.human(self._monitor, _add(node, port)):
                return port
        raise FamulusError(
            f"no free port for the ssh of {node.name}: {first - 1} and the next ports are taken",
            hint="Give another first port with --ssh-port.",
        )

    def unforward(self, node: Identity) -> None:
        """Give back the port that leads to `node`, if there is a port."""
        port = self.forwards().get(str(node.address)) if self.gateway.running() else None
        if port:
            monitor.human(self._monitor, f"hostfwd_remove nat tcp:{_HOST}:{port}")

    def way(self, node: Identity, port: int | None) -> tuple[str, int] | None:  # noqa: ARG002
        """See Network. The way is the `port` of the host that `forward` led to the node."""
        return (_HOST, port) if port is not None else None

    def _start_switch(self, keep: Sequence[int]) -> None:
        self.switch.kill()  # removes a dead switch's pid file: vde_switch would not start
        self._sweep_switch()
        rc = self.sockets / "switch.rc"
        write_private(rc, SWITCH_RC)
        argv = switch_arguments(self.switch_folder, rc, self.switch.pidfile)
        run(argv, timeout=_TIMEOUT, pass_fds=keep)
        ready = self.switch_folder / "ctl"
        wait_until("the switch", lambda: ready.exists() and self.switch.running(), timeout=_TIMEOUT)

    def _start_gateway(self) -> None:
        with plugged_in(self.switch_folder) as (frames, port):
            argv = gateway_arguments(self.subnet, frames, self._monitor, self.gateway.pidfile)
            run(argv, timeout=_TIMEOUT, pass_fds=[frames, port])

    def _sweep_switch(self) -> None:
        """Remove the sockets that a killed switch left: the next switch would not start."""
        if self.switch_folder.is_dir():
            for path in self.switch_folder.iterdir():
                path.unlink()
            self.switch_folder.rmdir()


def _add(node: Identity, port: int) -> str:
    return f"hostfwd_add nat tcp:{_HOST}:{port}-{node.address}:22"


def _ports_from(first: int) -> Iterator[int]:
    return iter(range(first, min(first + _PORT_TRIES, 65536)))
