# SPDX-License-Identifier: GPL-2.0-or-later
"""The networks that libvirt keeps for fabrics: they outlive `down`."""

from contextlib import ExitStack

from famulus.errors import FamulusError
from famulus.events import Events
from famulus.fabric.fabric import locked
from famulus.network.libvirt import LibvirtNetwork, network_name
from famulus.spec import FabricSpec
from famulus.state import FabricFolder


def remove_network(fabric: str, events: Events) -> str:
    """Remove libvirt's network of the fabric called `fabric`, which need not exist any more.

    Returns its name. Raises FamulusError if there is none, or if machines are on it.
    """
    folder = FabricFolder(fabric)
    network = LibvirtNetwork(network_name(fabric), FabricSpec().subnet, ())
    with ExitStack() as stack:
        if folder.exists():
            stack.enter_context(locked(folder, events))
        if not network.remove():
            raise FamulusError(
                f"libvirt has no network {network.name}",
                hint="`famulus network list` shows those that there are.",
            )
    return network.name
