# SPDX-License-Identifier: GPL-2.0-or-later
"""The limits of control groups, of version 1 and 2, on a host and in a container."""

from collections.abc import Callable
from pathlib import Path

import pytest

from famulus.base.units import GIB, MIB
from famulus.host.cgroup import Room, memory_room, process_room

Make = Callable[[str, dict[str, object]], Path]


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], Path]:
    """Make a /proc/self/cgroup."""

    def write(text: str) -> Path:
        path = tmp_path / "cgroup"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def group(tmp_path: Path) -> Make:
    """Make the folder of a control group with files."""

    def make(name: str, files: dict[str, object]) -> Path:
        folder = tmp_path / "fs" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (folder / file).write_text(f"{content}\n")
        return folder

    return make


def test_the_group_with_the_least_room_counts(own, group: Make, tmp_path: Path):
    group("user.slice", {"memory.max": GIB, "memory.current": 600 * MIB, "memory.stat": ""})
    group("user.slice/app", {"memory.max": 512 * MIB, "memory.current": 100 * MIB})
    file = own("0::/user.slice/app\n")
    outer = tmp_path / "fs/user.slice"
    inner = outer / "app"
    assert memory_room(file, tmp_path / "fs") == Room(inner, 512 * MIB, 412 * MIB)
    group("user.slice", {"memory.current": GIB - MIB})
    assert memory_room(file, tmp_path / "fs") == Room(outer, GIB, MIB)
    group("user.slice", {"memory.stat": f"anon 5\ninactive_file {700 * MIB}\nactive_file {MIB}"})
    assert memory_room(file, tmp_path / "fs") == Room(inner, 512 * MIB, 412 * MIB)


def test_a_group_without_a_limit_is_no_limit(own, group: Make, tmp_path: Path):
    group("a", {"memory.max": "max", "memory.current": MIB, "pids.max": "max", "pids.current": 4})
    assert memory_room(own("0::/a\n"), tmp_path / "fs") is None
    assert process_room(own("0::/a\n"), tmp_path / "fs") is None
    assert memory_room(tmp_path / "none", tmp_path / "fs") is None
    no_limit: dict[str, object] = {
        "memory.limit_in_bytes": 2**63 - 4096,
        "memory.usage_in_bytes": MIB,
    }
    group("memory", no_limit)
    assert memory_room(own("4:memory:/\n0::/\n"), tmp_path / "fs") is None


def test_a_container_whose_path_is_the_hosts(own, group: Make, tmp_path: Path):
    cache = {"memory.stat": f"inactive_file 1\ntotal_inactive_file {MIB}"}
    used = {"memory.limit_in_bytes": 300 * MIB, "memory.usage_in_bytes": 101 * MIB}
    folder = group("memory", {**used, **cache})
    file = own("5:cpu,memory:/docker/abc\n4:memory:/docker/abc\n")
    assert memory_room(file, tmp_path / "fs") == Room(folder, 300 * MIB, 200 * MIB)


def test_processes_have_a_limit_of_their_own(own, group: Make, tmp_path: Path):
    folder = group("unified/box", {"pids.max": 100, "pids.current": 30})
    file = own("8:pids:/\n0::/box\n")
    assert process_room(file, tmp_path / "fs") == Room(folder, 100, 70)
