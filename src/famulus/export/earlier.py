# SPDX-License-Identifier: GPL-2.0-or-later
"""The artifacts of an earlier `configure`: a template to reuse, disks in use, disks left over.

And the room beside them for new artifacts.
"""

from collections.abc import Sequence
from pathlib import Path

from famulus.backend.disk import in_use
from famulus.base.errors import FamulusError
from famulus.base.units import MIB, human_size
from famulus.export.artifacts import Artifacts
from famulus.export.image.convert import needed_room
from famulus.export.image.edit import blank
from famulus.host.space import free_bytes

_USUAL = 800 * MIB  # for a template that is not built yet; measured: 680 MiB
_CURE = "Free some space, or choose a folder on a larger disk with --artdir (or ARTDIR)."


def is_template(image: Path) -> bool:
    """Return whether `image` is a disk like those that nodes are made from."""
    if not image.is_file():
        return False
    try:
        return not blank(image, ["/etc/sudoers.d/fabric", "/sbin/init"])
    except FamulusError:
        return False


def require_unused(artifacts: Artifacts) -> None:
    """Raise FamulusError if a machine runs on one of the disks."""
    for disk in artifacts.disks().values():
        if in_use(disk):
            raise FamulusError(
                f"a machine runs on {disk}",
                hint=f"End the machine first, with `{artifacts.script} stop` if the script "
                "started the machine.",
            )


def require_room(artifacts: Artifacts, nodes: int, base: Path | None) -> None:
    """Raise FamulusError unless the folder has room for everything made from the image `base`.

    Without `base` the size of a usual template counts. Beside the disk of each node, the folder
    must hold a raw disk to work on, the tar, and the image unless it lies in the folder already.
    """
    one = needed_room(base, "raw") if base else _USUAL
    copies = nodes + (2 if base == artifacts.template else 3)
    free, need = free_bytes(artifacts.folder), copies * one
    if free < need:
        raise FamulusError(
            f"{artifacts.folder} has {human_size(free)} free; {nodes} nodes and the template take "
            f"up to {human_size(need)}",
            hint=_CURE,
        )


def left_over(artifacts: Artifacts, beyond: int) -> list[Path]:
    """Return the disks of nodes above number `beyond`."""
    return [path for number, path in artifacts.disks().items() if number > beyond]


def names(paths: Sequence[Path]) -> str:
    """Return the names of `paths`, for a sentence."""
    return ", ".join(path.name for path in paths)
