# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole fabrics: the demo, two side by side, the pool after `down`, other machines."""

import os
from pathlib import Path

import pytest

from famulus.base import paths
from tests.integration.cli import Cli, all_processes

pytestmark = pytest.mark.integration

FIRST_BYTES = (
    "python3 -c \"import mmap, os; f = os.open('/dev/fam0', os.O_RDWR); "
    'print(mmap.mmap(f, 4096)[:8].decode())"'
)


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


def other_home(cli: Cli, home: Path) -> Cli:
    """Return a fabric of the same name in the FAMULUS_HOME `home`, which shares the templates."""
    home.mkdir()
    for folder in (paths.templates(), paths.snapshots(), paths.plugins()):
        (home / folder.name).symlink_to(folder)
    return Cli(cli.fabric, env={"FAMULUS_HOME": str(home)})


def test_two_homes_with_a_fabric_of_the_same_name_side_by_side(own: Cli, tmp_path: Path) -> None:
    other = other_home(own, tmp_path / "home")
    words = ("up", "1", "--pool", "64M", "--coherence", "none")
    try:
        own.ok(*words)
        assert "is the pool of fabric" in other.run(*words).stderr
        pools = [Path(cli.status()["pool"]) for cli in (own, other)]
        assert len(set(pools)) == 2
        assert other.states() == own.states() == ["running"]
        own.ok("pool", "write", "0", "precious")
        other.ok("pool", "write", "0", "others")
    finally:
        other.purge()
    assert [pool.exists() for pool in pools] == [True, False]
    assert not [args for _, args in all_processes() if os.fsencode(tmp_path / "home") in args]
    own.ok("up", "2")  # the new node's cache lies beside the first one's
    assert own.node(2, FIRST_BYTES) == "precious"
    own.purge()
    left = [path.name for path in pools[0].parent.iterdir() if own.fabric in path.name]
    assert left == []


def test_a_purge_leaves_a_file_that_the_fabric_did_not_make(own: Cli, tmp_path: Path) -> None:
    file = tmp_path / "kept.bin"
    file.write_bytes(b"precious" + bytes((64 << 20) - 8))
    own.ok("up", "1", "--pool", "64M", "--pool-file", str(file))
    assert own.node(1, FIRST_BYTES) == "precious"
    result = own.run("down", "--purge")
    assert f"{file} stays" in result.stderr
    assert file.read_bytes()[:8] == b"precious"
    assert list(tmp_path.iterdir()) == [file]


def test_settings_come_from_fabric_toml(own: Cli, tmp_path: Path) -> None:
    (tmp_path / "fabric.toml").write_text(
        'nodes = 1\npool = "64M"\nmemory = "384M"\nfabric_password = "other"\n'
    )
    own.cwd = tmp_path
    own.ok("up", "--cold")  # a boot is there sooner than a snapshot of this size
    assert len(own.status()["nodes"]) == 1
    assert int(own.node(1, "grep MemTotal /proc/meminfo").split()[1]) < 384 << 10
