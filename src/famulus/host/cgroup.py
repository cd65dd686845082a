# SPDX-License-Identifier: GPL-2.0-or-later
"""The limits of the control groups (cgroups(7)) of this process, which containers have.

The formats are those of the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_OWN = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # version 1 says "no limit" by a number near 2^63


@dataclass(frozen=True)
class Room:
    """The room that is `left` below the limit `limit` of the control group in `folder`."""

    folder: Path
    limit: int
    left: int


def memory_room(own: Path = _OWN, root: Path = _ROOT) -> Room | None:
    """Return the room, in bytes, of the control group with the least memory left, or None.

    The cache of files counts as room: the kernel gives the cache up.
    """
    return _least("memory", ("memory.max", "memory.limit_in_bytes"), _memory_used, own, root)


def process_room(own: Path = _OWN, root: Path = _ROOT) -> Room | None:
    """Return the room, in processes and threads, of the group with the least left, or None."""
    return _least("pids", ("pids.max",), lambda folder: _number(folder / "pids.current"), own, root)


def _least(
    controller: str,
    files: tuple[str, ...],
    used: Callable[[Path], int | None],
    own: Path,
    root: Path,
) -> Room | None:
    found = []
    for folder in _folders(controller, own, root):
        limit = next((n for n in (_number(folder / name) for name in files) if n is not None), None)
        taken = used(folder)
        if limit is not None and taken is not None and limit < _UNLIMITED:
            found.append(Room(folder, limit, max(limit - taken, 0)))
    return min(found, key=lambda room: room.left, default=None)


def _memory_used(folder: Path) -> int | None:
    used = _number(folder / "memory.current", folder / "memory.usage_in_bytes")
    if used is None:
        return None
    stat: dict[str, str] = dict(
        re.findall(r"^(\w+) (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
    )
    cache = sum(
        int(stat.get(f"total_{key}", stat.get(key, 0))) for key in ("inactive_file", "active_file")
    )
    return max(used - cache, 0)


def _folders(controller: str, own: Path, root: Path) -> Iterator[Path]:
    """Yield the folders of this process' control group and of all groups above, up to the mount.

    In a container the path in /proc may be the host's, while the mount begins at the own group.
    """
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else _unified(root)
        group = top / path.lstrip("/")
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(top))


def _unified(root: Path) -> Path:
    """Return where version 2 is mounted; beside version 1 its folder is `unified`."""
    beside = root / "unified"
    return beside if beside.is_dir() else root


def _number(*files: Path) -> int | None:
    """Return the number in the first of `files` that has one; `max` is none."""
    for text in map(_text, files):
        if text.strip().isdigit():
            return int(text)
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
