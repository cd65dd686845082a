# SPDX-License-Identifier: GPL-2.0-or-later
"""Make and remove the networks that libvirt keeps for fabrics; they outlive `down`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Network

from famulus.backend.libvirt.network import LibvirtNetwork, network_name
from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.fabric.fabric import locked
from famulus.settings.identity import Identity
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder


def create_network(fabric: str, nodes: int, subnet: IPv4Network, events: Events) -> str:
    """Make libvirt's network of `fabric` for so many `nodes`, or extend the existing network.

    Returns its name. Raises FamulusError if its addresses or its bridge's name are in use.
    """
    known = tuple(Identity(number, subnet) for number in range(1, nodes + 1))
    network = LibvirtNetwork(network_name(fabric), subnet, known)
    with _alone(fabric, events):
        network.start()
    return network.name


def remove_network(fabric: str, events: Events) -> str:
    """Remove libvirt's network of the fabric called `fabric`, which need not exist any more.

    Returns its name. Raises FamulusError if libvirt has no such network or machines are on it.
    """
    network = LibvirtNetwork(network_name(fabric), FabricSpec().subnet, ())
    with _alone(fabric, events):
        if not network.remove():
            raise FamulusError(
                f"libvirt has no network {network.name}",
                hint="`famulus network list` shows the networks.",
            )
    return network.name


@contextmanager
def _alone(fabric: str, events: Events) -> Iterator[None]:
    """Hold the lock of the fabric, if the fabric exists, while the block runs."""
    folder = FabricFolder(fabric)
    with ExitStack() as stack:
        if folder.exists():
            stack.enter_context(locked(folder, events))
        yield
