# SPDX-License-Identifier: GPL-2.0-or-later
"""Room on the host for a fabric: memory, disk and /dev/shm."""

from pathlib import Path

import pytest

from famulus.base.units import GIB, MIB, TIB
from famulus.host import space
from famulus.host.cgroup import Room
from famulus.settings.spec import FabricSpec


@pytest.fixture
def meminfo(tmp_path, monkeypatch):
    path = tmp_path / "meminfo"
    path.write_text("MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\nSwapTotal: 0 kB\n")
    monkeypatch.setattr(space, "memory_room", lambda: None)
    return path


@pytest.mark.parametrize(
    ("nodes", "cold", "pool", "level"),
    [
        ((4, 0), False, "/dev/shm/p", "ok"),
        ((5, 0), False, "/dev/shm/p", "warning"),  # 5 x 662 MiB and the pool's GiB
        ((5, 0), False, "/disk/p", "ok"),
        ((8, 0), False, "/disk/p", "warning"),
        ((8, 4), False, "/disk/p", "ok"),
        ((32, 0), False, "/disk/p", "warning"),  # nodes do not touch all of their memory
        ((33, 0), False, "/disk/p", "error"),
        ((64, 32), False, "/disk/p", "warning"),
        ((12, 0), True, "/disk/p", "warning"),
        ((13, 0), True, "/disk/p", "error"),
        ((2, 8), False, "/disk/p", "ok"),
    ],
)
def test_memory_is_compared_with_the_need_of_the_nodes(meminfo, nodes, cold, pool, level):
    nodes, running = nodes
    spec = FabricSpec(nodes=nodes)
    finding = space.check_memory(
        spec, "tcg", Path(pool), running=running, clones=not cold, meminfo=meminfo
    )
    assert finding.level == level
    assert finding.level == "ok" or "--memory" in finding.cure


def test_an_error_about_memory_says_how_many_nodes_fit(meminfo):
    spec = FabricSpec(nodes=64)
    finding = space.check_memory(spec, "tcg", Path("/disk/p"), running=2, meminfo=meminfo)
    assert finding.level == "error"
    assert finding.text == "4.0 GiB available; 64 nodes need 7.6 GiB at least; 34 fit"


def test_a_control_group_with_less_memory_counts(meminfo, monkeypatch):
    room = Room(Path("/sys/fs/cgroup/box"), GIB, 300 * MIB)
    monkeypatch.setattr(space, "memory_room", lambda: room)
    finding = space.check_memory(FabricSpec(nodes=4), "tcg", Path("/disk/p"), meminfo=meminfo)
    assert finding.level == "error"
    assert "300 MiB available in the control group /sys/fs/cgroup/box" in finding.text
    assert "whose limit is 1.0 GiB" in finding.text
    assert "docker run --memory" in finding.cure
    monkeypatch.setattr(space, "memory_room", lambda: Room(Path("/box"), 9 * GIB, 9 * GIB))
    finding = space.check_memory(FabricSpec(), "tcg", Path("/disk/p"), meminfo=meminfo)
    assert finding.text == "4.0 GiB available"


@pytest.fixture
def free(monkeypatch):
    """Give every file system the same free space."""

    def let(size: int) -> None:
        monkeypatch.setattr(space, "free_bytes", lambda _: size)

    return let


@pytest.mark.parametrize(
    ("room", "level"),
    [(2 * GIB, "ok"), (GIB, "ok"), (GIB - 1, "warning"), (16 * MIB, "warning"), (MIB, "error")],
)
def test_room_for_the_pool(tmp_path, free, room, level):
    free(room)
    finding = space.check_pool(FabricSpec(), "tcg", tmp_path / "pool")
    assert finding.level == level
    assert finding.level == "ok" or "--pool-file" in finding.cure


def test_the_space_of_an_existing_pool_counts_as_room(tmp_path, free):
    (tmp_path / "pool").write_bytes(b"x" * 32 * MIB)
    free(0)
    assert space.check_pool(FabricSpec(), "tcg", tmp_path / "pool").level == "warning"


def test_a_pool_too_large_for_a_bar_is_an_error(tmp_path, free, monkeypatch):
    free(TIB)
    monkeypatch.setattr(space, "largest_pool", lambda _: 256 * GIB)
    finding = space.check_pool(FabricSpec(pool=512 * GIB), "tcg", tmp_path / "pool")
    assert finding.level == "error"
    assert "the largest that fits is 256G" in finding.text
    assert space.check_pool(FabricSpec(pool=256 * GIB), "tcg", tmp_path / "pool").level == "ok"


def test_a_pool_without_a_folder_is_an_error(tmp_path):
    finding = space.check_pool(FabricSpec(), "tcg", tmp_path / "none" / "pool")
    assert finding.level == "error"
    assert "--pool-file" in finding.cure


def test_a_full_disk_is_an_error_without_a_template(tmp_path, monkeypatch, free):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / "not" / "yet"))
    free(100 * GIB)
    assert {finding.level for finding in space.check_disk(FabricSpec(), "error")} == {"ok"}
    free(GIB)
    assert {finding.level for finding in space.check_disk(FabricSpec(), "error")} == {"error"}
    (tmp_path / "not/yet/templates/.part").mkdir(parents=True)
    assert not space.has_template()
    (tmp_path / "not/yet/templates/abc").mkdir()
    assert space.has_template()


def test_a_full_file_system_explains_a_dead_node(tmp_path, monkeypatch):
    pool = tmp_path / "pool"
    assert space.why_nothing_fits(pool) == ""
    assert space.why_nothing_fits(tmp_path / "none" / "pool") == ""
    monkeypatch.setattr(space, "free_bytes", lambda _: 4096)
    assert f"{tmp_path} is full" in space.why_nothing_fits(pool)
