# SPDX-License-Identifier: GPL-2.0-or-later
"""The limits of a process: those too small for nodes are named before a node starts."""

import os
import resource
from pathlib import Path

import pytest

from famulus.base.units import GIB, MIB
from famulus.host import limits
from famulus.host.cgroup import Room
from famulus.settings.spec import FabricSpec

NONE = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.fixture
def limit(monkeypatch):
    """Let this process have one limit only: soft, and hard."""
    monkeypatch.setattr(limits, "process_room", lambda: None)

    def let(name: str, soft: int, hard: int = resource.RLIM_INFINITY) -> None:
        known = {getattr(resource, f"RLIMIT_{name}"): (soft, hard)}
        monkeypatch.setattr(resource, "getrlimit", lambda number: known.get(number, NONE))

    return let


SPEC = FabricSpec(nodes=4, pool=64 * MIB)


@pytest.mark.parametrize(
    ("name", "option", "small", "enough"),
    [
        ("AS", "v", 900 * MIB, 2 * GIB),
        ("DATA", "d", 600 * MIB, GIB),
        ("FSIZE", "f", GIB, 8 * GIB),
        ("NOFILE", "n", 100, 256),
    ],
)
def test_a_limit_too_small_is_named_with_the_command_that_raises_it(
    limit, name, option, small, enough
):
    limit(name, enough)
    assert limits.check_limits(SPEC, 0) == []
    limit(name, small)
    (finding,) = limits.check_limits(SPEC, 0)
    assert finding.level == "error"
    assert f"`ulimit -{option}` is" in finding.text
    assert f"`ulimit -{option} " in finding.cure
    assert "hard" not in finding.cure
    limit(name, small, small)
    assert "hard limit" in limits.check_limits(SPEC, 0)[0].cure


def test_only_nodes_that_famulus_starts_count(limit):
    limit("AS", MIB)
    assert limits.check_limits(SPEC, 3) != []
    assert limits.check_limits(SPEC, 4) == []
    assert limits.check_limits(FabricSpec(network="libvirt"), 0) == []


def test_a_doorbell_takes_open_files(limit):
    limit("NOFILE", 400)
    many = FabricSpec(nodes=64, pool=64 * MIB, doorbell=True)
    assert limits.check_limits(many, 60) != []
    assert limits.check_limits(FabricSpec(nodes=64, pool=64 * MIB), 60) == []


def test_processes_are_counted_for_all_but_root(limit, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(limits, "_threads_of", lambda _: 50)
    limit("NPROC", 105)
    assert "`ulimit -u` is 105; nodes need 106 at least" in limits.check_limits(SPEC, 0)[0].text
    limit("NPROC", 106)
    assert limits.check_limits(SPEC, 0) == []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    limit("NPROC", 10)
    assert limits.check_limits(SPEC, 0) == []


def test_the_threads_of_a_user_are_counted():
    assert limits._threads_of(os.getuid()) >= 1
    assert limits._threads_of(3_000_000_000) == 0


def test_a_control_group_may_allow_too_few_processes(limit, monkeypatch):
    limit("AS", 2 * GIB)
    monkeypatch.setattr(limits, "process_room", lambda: Room(Path("/sys/fs/cgroup/box"), 60, 55))
    (finding,) = limits.check_limits(SPEC, 0)
    assert "/sys/fs/cgroup/box has room for 55 processes" in finding.text
    assert "pids.max" in finding.cure
