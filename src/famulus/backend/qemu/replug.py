# SPDX-License-Identifier: GPL-2.0-or-later
"""Plug the cable of a running node into a switch that was started anew.

QEMU's vde client does not join a switch twice. So a new client takes the old client's place on the
hub to which the node's card is connected (backend.qemu.arguments). The node notices nothing.
"""

from pathlib import Path

from famulus.backend.qemu import monitor
from famulus.backend.qemu.monitor import Command
from famulus.backend.qemu.user import UserNetwork
from famulus.base.files import write_private
from famulus.base.process import Daemon


def ensure(socket: Path, network: UserNetwork, qemu: Daemon, folder: Path) -> None:
    """Plug the node's cable into the present switch if the cable is in an earlier switch.

    `socket` is the node's monitor, `qemu` its process. A file in `folder` names the switch of the
    cable.
    """
    current = f"{network.switch.pid()} {network.switch.started()}"
    mark = folder / "switch"
    if not _on_present_switch(mark, current, network, qemu):
        monitor.execute_all(socket, _replug(network.switch_folder))
    write_private(mark, current + "\n")


def _on_present_switch(mark: Path, current: str, network: UserNetwork, qemu: Daemon) -> bool:
    """Tell whether the node started after the switch, or the file `mark` names this switch."""
    if (qemu.started() or 0) >= (network.switch.started() or 0):
        return True
    try:
        return mark.read_text(encoding="ascii").strip() == current
    except OSError:
        return False


def _replug(switch: Path) -> list[Command]:
    return [
        Command("netdev_del", {"id": "plug"}),
        Command("netdev_del", {"id": "cable"}),
        Command("netdev_add", {"type": "vde", "id": "cable", "sock": str(switch)}),
        Command("netdev_add", {"type": "hubport", "id": "plug", "hubid": 0, "netdev": "cable"}),
    ]
