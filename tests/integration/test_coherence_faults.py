# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of nodes with own caches: a node is killed, the disk of the caches is full."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from famulus.state.folder import FabricFolder
from tests.integration.cli import Cli
from tests.integration.programs import compile_touch, install
from tests.integration.waits import wait

pytestmark = pytest.mark.integration

UP = ("--pool", "64M", "--coherence", "none")
CHURNED = 65536  # bytes


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """touch.c, compiled on the host."""
    return compile_touch(tmp_path_factory.mktemp("touch"))


def firsts(cli: Cli) -> set[int]:
    """Return the first words of all lines that `churn` stores to."""
    with Path(cli.status()["pool"]).open("rb") as pool:
        churned = pool.read(CHURNED)
    return {int.from_bytes(churned[at : at + 8], "little") for at in range(0, CHURNED, 64)}


def test_a_node_killed_while_it_moves_lines_stops_no_other_node(own: Cli, program: Path):
    """The others take over its locks and finish the write-back that it had begun."""
    own.ok("up", "2", *UP)
    install(own, program, (1, 2))
    for seed in range(5):
        if seed:  # a new clone runs sooner than a boot from the disk
            own.ok("node", "reset", "1")
            install(own, program, [1])
        churning = own.start("ssh", "1", "--", f"./touch churn:0:{CHURNED}:1000000")
        wait(lambda: min(firsts(own)) > 1)
        time.sleep(random.Random(seed).random() / 2)  # the lines move on: any moment will do
        pid = int((FabricFolder(own.fabric).path / "node1" / "qemu.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        os.killpg(churning.pid, signal.SIGKILL)
        churning.wait()
        own.node(2, f"./touch churn:0:{CHURNED}:1")
        assert firsts(own) == {1}
    own.ok("up")
    assert own.states() == ["running"] * 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_node_without_room_for_its_cache_dies(own: Cli, program: Path, tmp_path: Path):
    """A message names the reason, and `up` starts the node once there is room."""
    mount("-t", "tmpfs", "-o", "size=32M", "none", str(tmp_path))
    try:
        own.ok("up", "1", *UP, "--pool-file", str(tmp_path / "pool"))
        install(own, program, [1])
        filling = own.start("ssh", "1", "--", "./touch churn:0:16777216:1")
        wait(lambda: own.states() == ["stopped"], own.states)
        os.killpg(filling.pid, signal.SIGKILL)
        filling.wait()
        shown = own.fails("ssh", "1", "--", "true", code=1, says="fabric1 is stopped")
        assert f"{tmp_path} is full" in shown
        mount("-o", "remount,size=96M", str(tmp_path))
        own.ok("up")
        assert own.node(1, "./touch load:0") == "1"
    finally:
        own.purge()
        subprocess.run(["umount", tmp_path], check=True)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)
