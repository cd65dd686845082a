# SPDX-License-Identifier: GPL-2.0-or-later
"""Choose the back end of a fabric. Nothing else asks which hypervisor runs nodes."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from pathlib import Path

from famulus.backend.libvirt.backend import LibvirtBackend
from famulus.backend.qemu.backend import QemuBackend
from famulus.node.backend import Backend
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder

# The keys are the values of the setting `network`.
KINDS: Mapping[str, Callable[[FabricFolder, IPv4Network], Backend]] = {
    "user": QemuBackend,
    "libvirt": LibvirtBackend,
}

_ANY_SUBNET = FabricSpec().subnet  # the end of a process does not depend on the subnet


def choose(folder: FabricFolder, spec: FabricSpec) -> Backend:
    """Return the back end that runs the nodes of the fabric in `folder` as `spec` wants."""
    return KINDS[spec.network](folder, spec.subnet)


def end_all(folder: FabricFolder) -> None:
    """End every process of every back end for the fabric in `folder`, in any state."""
    for make in KINDS.values():
        make(folder, _ANY_SUBNET).end_all(node_folders(folder))


def forget_all(folder: FabricFolder, *, but: FabricSpec | None = None) -> None:
    """Have every back end forget the nodes of the fabric in `folder`.

    The back end that `but` chooses keeps them.
    """
    kinds = (kind for kind in KINDS if not (but and kind == but.network))
    for kind in kinds:
        backend = KINDS[kind](folder, _ANY_SUBNET)
        for node in node_folders(folder):
            backend.forget(node)


def node_folders(folder: FabricFolder) -> list[Path]:
    """Return the folders of all nodes that the fabric in `folder` ever had and still stores."""
    return sorted(folder.path.glob("node*"))
