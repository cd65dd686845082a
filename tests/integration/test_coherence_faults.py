# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes with caches of their own, and what goes wrong: sudden deaths, no room."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from famulus.base.waiting import wait_until
from famulus.state.folder import FabricFolder
from tests.integration.cli import Cli

pytestmark = pytest.mark.integration

SOURCE = Path(__file__).with_name("touch.c")
UP = ("--pool", "64M", "--coherence", "none")
TIMEOUT = 120  # seconds
CHURNED = 65536  # bytes


def prepare(cli: Cli, *nodes: int) -> None:
    for node in nodes:
        cli.ok("cp", str(SOURCE), f"{node}:")
        cli.node(node, "gcc -O1 -pthread -o touch touch.c && sync")


def firsts(cli: Cli) -> set[int]:
    """What is in the first word of each line that is churned."""
    with Path(cli.status()["pool"]).open("rb") as pool:
        churned = pool.read(CHURNED)
    return {int.from_bytes(churned[at : at + 8], "little") for at in range(0, CHURNED, 64)}


def test_a_node_killed_while_it_moves_lines_holds_nobody_up(own: Cli):
    """Whatever it was at: the others take over its locks and finish what it had begun."""
    own.ok("up", "2", *UP)
    prepare(own, 1, 2)
    for seed in range(5):
        churning = own.start("ssh", "1", "--", f"./touch churn:0:{CHURNED}:1000000")
        wait_until("lines move", lambda: min(firsts(own)) > 1, timeout=TIMEOUT)
        time.sleep(random.Random(seed).random() / 2)
        pid = int((FabricFolder(own.fabric).path / "node1" / "qemu.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        os.killpg(churning.pid, signal.SIGKILL)
        churning.wait()
        own.node(2, f"./touch churn:0:{CHURNED}:1")
        assert firsts(own) == {1}
        own.ok("up")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_no_room_is_left_for_a_cache(own: Cli, tmp_path: Path):
    """The node dies, as a process would; why is said, and `up` starts it once there is room."""
    mount("-t", "tmpfs", "-o", "size=32M", "none", str(tmp_path))
    try:
        own.ok("up", "1", *UP, "--pool-file", str(tmp_path / "pool"))
        prepare(own, 1)
        filling = own.start("ssh", "1", "--", "./touch churn:0:16777216:1")
        wait_until("the node's end", lambda: own.states() == ["stopped"], timeout=TIMEOUT)
        os.killpg(filling.pid, signal.SIGKILL)
        filling.wait()
        said = own.fails("ssh", "1", "--", "true", code=1, says="fabric1 is stopped")
        assert f"{tmp_path} is full" in said
        mount("-o", "remount,size=96M", str(tmp_path))
        own.ok("up")
        assert own.node(1, "./touch load:0") == "1"
    finally:
        own.purge()
        subprocess.run(["umount", tmp_path], check=True)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)
