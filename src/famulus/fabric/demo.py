# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo: one node stores a greeting in the pool, the host and another node load it."""

from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.base.run import run
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import Hooks
from famulus.fabric.up import up, wanted
from famulus.transport import ssh

_TIMEOUT = 120.0  # seconds for gcc or a program in a node, under TCG
_GREETING_BYTES = 256
_GREETING = "Hello from "  # the text that hello_fabric stores begins so


@dataclass(frozen=True)
class Demo:
    """The text that each place loaded."""

    seen: dict[str, str]

    @property
    def agree(self) -> bool:
        """Tell whether every place loaded the same text, which is not empty."""
        return len(set(self.seen.values())) == 1 and all(self.seen.values())


def run_demo(name: str, settings: Path | None, events: Events, hooks: Hooks) -> Demo:
    """Bring at least two nodes up, store in node 1; return the texts of node 1, host and node 2.

    `settings` is the file that `up` would read.
    """
    nodes = wanted(name, {}, settings).nodes
    fabric = up(name, {"nodes": max(2, nodes)}, settings, events, hooks)
    _refuse_to_overwrite(fabric)
    with events.step("node 1 compiles and stores"):
        stored = _in_node(fabric, 1, "make -s hello_fabric && sudo ./hello_fabric")
    with events.step("node 2 compiles and loads"):
        loaded = _in_node(fabric, 2, "make -s hello_fabric_read && sudo ./hello_fabric_read")
    return Demo(
        {"stored by node 1": stored, str(fabric.pool): _on_host(fabric), "loaded by node 2": loaded}
    )


def _refuse_to_overwrite(fabric: Fabric) -> None:
    held = _on_host(fabric)
    if held and not held.startswith(_GREETING):
        raise FamulusError(
            f"{fabric.pool} holds other data where the demo stores its greeting",
            hint="`famulus demo --fabric demo` uses a fabric of its own.",
        )


def _in_node(fabric: Fabric, number: int, command: str) -> str:
    argv = ssh.login(fabric.ssh_config, fabric.node(number).name, None, [command], tty=False)
    return run(argv, timeout=_TIMEOUT).stdout.strip()


def _on_host(fabric: Fabric) -> str:
    with fabric.pool.at.open("rb") as pool:
        return pool.read(_GREETING_BYTES).split(b"\0", 1)[0].decode(errors="replace").strip()
