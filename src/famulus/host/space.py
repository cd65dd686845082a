# SPDX-License-Identifier: GPL-2.0-or-later
"""Check for room: on disk for a template, in memory for nodes, and for the pool."""

import os
import re
from pathlib import Path

from famulus.base import paths
from famulus.base.paths import SHARED_MEMORY
from famulus.base.units import GIB, KIB, MIB, format_size, human_size
from famulus.host.accelerator import Accelerator, largest_pool
from famulus.host.building import nearest, unpack_folder
from famulus.host.cgroup import memory_room
from famulus.host.finding import Finding, Level
from famulus.settings.spec import FabricSpec

_TEMPLATE = 3 * GIB  # while a template is built: the tar, the raw disk, the compressed one
_SCRATCH = 3 * GIB // 2  # the root file system that mmdebstrap unpacks in /tmp
_NODE_DISK = 64 * MIB  # written by a node that only boots
_OVERHEAD = {"tcg": 150 * MIB, "kvm": 60 * MIB}  # of QEMU beside a node's memory
# The memory of an idle node after a login. Measured under TCG with 512 MiB of RAM; KVM needs no
# translated code.
_CLONE = {"tcg": 125 * MIB, "kvm": 80 * MIB}
_COLD = {"tcg": 330 * MIB, "kvm": 200 * MIB}
_LEAST_POOL = 16 * MIB  # with less room, a bus error would end the first program already

_MEMINFO = Path("/proc/meminfo")


def has_template() -> bool:
    """Tell whether there is a template, so that `up` may have nothing to build."""
    folder = paths.templates()
    return folder.is_dir() and any(
        path.is_dir() and path.name[0] != "." for path in folder.iterdir()
    )


def check_disk(spec: FabricSpec, level: Level) -> list[Finding]:
    """Check whether there is room for a template, for its build and for the nodes.

    Too little room is a finding of `level`.
    """
    home, scratch = nearest(paths.templates()), nearest(unpack_folder())
    nodes = spec.nodes * _NODE_DISK
    if home.stat().st_dev == scratch.stat().st_dev:
        return [_disk_finding("disk", home, _TEMPLATE + _SCRATCH + nodes, level)]
    return [
        _disk_finding("disk", home, _TEMPLATE + nodes, level),
        _disk_finding("temporary files", scratch, _SCRATCH, level),
    ]


def _disk_finding(name: str, folder: Path, need: int, level: Level) -> Finding:
    free = free_bytes(folder)
    text = f"{human_size(free)} free in {folder}"
    if not os.access(folder, os.W_OK):
        return Finding(
            name, "error", f"{folder} cannot be written to", "Set FAMULUS_HOME, or TMPDIR."
        )
    if free >= need:
        return Finding(name, "ok", text)
    return Finding(
        name,
        level,
        f"{text}; building a template needs {human_size(need)}",
        "Free some space (`famulus template prune`, `famulus down --purge`), "
        "or set FAMULUS_HOME or TMPDIR to a folder on a larger disk.",
    )


def check_memory(
    spec: FabricSpec,
    accelerator: Accelerator,
    pool: Path,
    *,
    running: int = 0,
    clones: bool = True,
    meminfo: Path = _MEMINFO,
) -> Finding:
    """Check whether the nodes, and a pool in memory, fit into the available memory.

    `running` is the number of nodes that run already; `clones` is true if the new nodes are cloned.
    Nodes do not touch all of their memory. If even the least need of the nodes does not fit, the
    finding is an error and says how many nodes fit.
    """
    new = max(spec.nodes - running, 0)
    overhead = _OVERHEAD[accelerator]
    need = new * (spec.memory + overhead)
    parts = f"{new} nodes of {human_size(spec.memory)}, {human_size(overhead)} more for each"
    if _is_memory(pool):
        need += spec.pool
        parts += f", and the pool of {human_size(spec.pool)}"
    available, text, cure = _available(meminfo)
    if available is None:
        return Finding("memory", "ok", text)
    least = _CLONE[accelerator] if clones else _COLD[accelerator]
    if new * least > available:
        fit = running + available // least
        wanted = f"{spec.nodes} nodes need {human_size(new * least)} at least"
        return Finding("memory", "error", f"{text}; {wanted}; {fit} fit", cure)
    if available < need:
        return Finding("memory", "warning", f"{text}; {parts}: may take {human_size(need)}", cure)
    return Finding("memory", "ok", text)


def _available(meminfo: Path) -> tuple[int | None, str, str]:
    """Return the memory that nodes may take, a text about it, and the cure if it is too little."""
    available, room = _sizes(meminfo).get("MemAvailable"), memory_room()
    cure = "Use fewer nodes, or a smaller --memory or --pool; or "
    if room and (available is None or room.left < available):
        limit = f"the control group {room.folder}, whose limit is {human_size(room.limit)}"
        raise_it = "raise the limit (docker run --memory, systemd's MemoryMax=)."
        return room.left, f"{human_size(room.left)} available in {limit}", cure + raise_it
    if available is None:
        return None, f"{meminfo} does not tell the available memory", ""
    return available, f"{human_size(available)} available", f"{cure}end other programs."


def check_pool(spec: FabricSpec, accelerator: Accelerator, pool: Path) -> Finding:
    """Check the room for the pool at `pool`, and the room for its addresses in a node."""
    largest = largest_pool(accelerator)
    if spec.pool > largest:
        return Finding(
            "pool",
            "error",
            f"a pool of {format_size(spec.pool)} does not fit into a node's address space under "
            f"{accelerator.upper()}; the largest that fits is {format_size(largest)}",
            f"Use --pool {format_size(largest)} or less.",
        )
    folder = pool.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "pool",
            "error",
            f"there is no writable folder {folder}",
            "Make the folder, or choose another file with --pool-file.",
        )
    return _room(spec, pool)


def _room(spec: FabricSpec, pool: Path) -> Finding:
    # The space that an existing pool has taken need not be free once more.
    room = free_bytes(pool.parent) + (pool.stat().st_blocks * 512 if pool.is_file() else 0)
    text = f"{human_size(room)} free in {pool.parent} for a pool of {format_size(spec.pool)}"
    cure = (
        f"Remove files from {pool.parent} (`famulus down --purge` removes an old fabric's pool), "
        "choose a smaller --pool, or another place with --pool-file."
    )
    if room < min(spec.pool, _LEAST_POOL):
        return Finding("pool", "error", text, cure)
    if room < spec.pool:
        return Finding("pool", "warning", f"{text}; a node that fills it dies of a bus error", cure)
    return Finding("pool", "ok", text)


def why_nothing_fits(pool: Path) -> str:
    """Return a warning if the file system of `pool` is full, else an empty text."""
    if not pool.parent.is_dir() or free_bytes(pool.parent) >= MIB:
        return ""
    return (
        f"{pool.parent} is full. A program that stores into more of the pool, or a node that takes "
        "more of the pool into its cache, dies of a bus error."
    )


def free_bytes(folder: Path) -> int:
    """Return how many bytes a normal user may still write to the file system of `folder`."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def room_for(file: Path, meminfo: Path = _MEMINFO) -> int:
    """Return how many bytes a normal user may write to the new file `file`."""
    free = free_bytes(file.parent)
    return min(free, _sizes(meminfo).get("MemAvailable", free)) if _is_memory(file) else free


def _is_memory(pool: Path) -> bool:
    return pool.is_relative_to(SHARED_MEMORY)


def _sizes(meminfo: Path) -> dict[str, int]:
    """Return the sizes in proc_meminfo(5), in bytes."""
    try:
        text = meminfo.read_text(encoding="ascii")
    except OSError:
        return {}
    found = re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)
    return {key: int(size) * KIB for key, size in found}
