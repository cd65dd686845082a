# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole fabrics: the demo, two side by side, the pool after `down`, other machines."""

from pathlib import Path

import pytest

from tests.integration.cli import Cli

pytestmark = pytest.mark.integration


def test_demo_shows_the_same_bytes_three_times(own: Cli) -> None:
    shown = own.ok("demo")
    assert "All three agree" in shown
    assert shown.count("fabric1") >= 3
    assert "famulus ssh 1" in shown
    own.ok("demo")


def test_the_pool_survives_down_and_only_purge_removes_it(own: Cli) -> None:
    own.ok("up", "1", "--pool", "64M")
    pool = Path(own.status()["pool"])
    assert pool == Path(f"/dev/shm/fabric_em.{own.fabric}")
    assert pool.stat().st_mode & 0o777 == 0o600
    own.ok("pool", "write", "4096", "survivor")
    own.node(1, "echo on-disk > mark")
    own.ok("down")
    assert own.processes() == []
    assert own.ok("pool", "read", "4096", "8", "--raw") == "survivor"
    own.ok("up")
    assert own.ok("pool", "read", "4096", "8", "--raw") == "survivor"
    assert own.node(1, "cat mark") == "on-disk"
    own.ok("down", "--purge")
    assert not pool.exists()
    assert own.fabric not in own.ok("list")


def test_two_fabrics_side_by_side(two: Cli, own: Cli, tmp_path: Path) -> None:
    pool = tmp_path / "pool file"
    own.ok(
        "up",
        "1",
        "--pool",
        "128M",
        "--pool-file",
        str(pool),
        "--subnet",
        "10.77.0.0/24",
        "--cpus",
        "2",
    )
    assert "10.77.0.1/24" in own.node(1, "ip -4 -o addr show eth0")
    assert own.node(1, "nproc") == "2"
    own.ok("pool", "write", "0", "other")
    assert two.ok("pool", "read", "0", "5", "--raw") != "other"
    assert two.node(1, "hostname") == own.node(1, "hostname")
    assert pool.stat().st_size == 128 << 20


def test_settings_come_from_fabric_toml(own: Cli, tmp_path: Path) -> None:
    (tmp_path / "fabric.toml").write_text(
        'nodes = 1\npool = "64M"\nmemory = "384M"\nfabric_password = "other"\n'
    )
    own.cwd = tmp_path
    own.ok("up", "--cold")  # a boot is there sooner than a snapshot of this size
    assert len(own.status()["nodes"]) == 1
    assert int(own.node(1, "grep MemTotal /proc/meminfo").split()[1]) < 384 << 10
