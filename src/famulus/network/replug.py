# SPDX-License-Identifier: GPL-2.0-or-later
"""Give a running node a new network card after the switch was started anew.

QEMU's vde client does not join a switch twice, so the card goes and comes back in the same slot
with the same MAC; the node's programs, its memory and its pool go on.
"""

from pathlib import Path
from typing import Any

from famulus import monitor
from famulus.identity import Identity
from famulus.network.user import UserNetwork
from famulus.process import Daemon
from famulus.state import write_private
from famulus.waiting import wait_until

_UNPLUG_LIMIT = 60.0  # seconds; the node's kernel has to let go of the card
_SLOT = "03"  # qemu.arguments.NETWORK_SLOT, which this layer does not know


def ensure(socket: Path, node: Identity, network: UserNetwork, qemu: Daemon, folder: Path) -> None:
    """Plug the node's card into the present switch if it hangs on an earlier one.

    `socket` is the node's monitor, `qemu` its process, `folder` keeps which switch the card is on.
    """
    current = f"{network.switch.pid()} {network.switch.started()}"
    mark = folder / "switch"
    if not _on_present_switch(mark, current, network, qemu):
        _replug(socket, node, network.switch_folder)
    write_private(mark, current + "\n")


def _on_present_switch(mark: Path, current: str, network: UserNetwork, qemu: Daemon) -> bool:
    """Tell whether the node started after the switch, or the mark says it was plugged in."""
    if (qemu.started() or 0) >= (network.switch.started() or 0):
        return True
    try:
        return mark.read_text(encoding="ascii").strip() == current
    except OSError:
        return False


def _replug(socket: Path, node: Identity, switch: Path) -> None:
    monitor.execute(socket, "device_del", {"id": "nic0"})
    wait_until(
        f"{node.name} to let go of its network card", lambda: _gone(socket), limit=_UNPLUG_LIMIT
    )
    monitor.execute(socket, "netdev_del", {"id": "net0"})
    monitor.execute(socket, "netdev_add", {"type": "vde", "id": "net0", "sock": str(switch)})
    card: dict[str, Any] = {"driver": "virtio-net-pci", "id": "nic0", "netdev": "net0"}
    monitor.execute(socket, "device_add", {**card, "mac": node.mac, "addr": _SLOT, "romfile": ""})


def _gone(socket: Path) -> bool:
    devices = monitor.execute(socket, "qom-list", {"path": "/machine/peripheral"})
    return all(device["name"] != "nic0" for device in devices)
