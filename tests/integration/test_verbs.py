# SPDX-License-Identifier: GPL-2.0-or-later
"""The verbs on a running fabric."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.cli import TIMEOUT, Cli
from tests.integration.waits import wait

pytestmark = pytest.mark.integration


def test_status_shows_network_and_nodes(two: Cli) -> None:
    status = two.status()
    assert status["network"] == "running"
    for node in status["nodes"]:
        assert node["state"] == "running"
        assert Path(f"/proc/{node['pid']}").exists()
        assert node["memory"] > 8 << 20  # a clone that has just started has little of its own
        assert node["ssh_port"] > 0
    shown = two.ok("status")
    assert "fabric2" in shown
    assert "192.168.42.2" in shown


def test_list_shows_the_fabric(two: Cli) -> None:
    assert two.fabric in two.ok("list")


def test_ssh_passes_the_exit_code_through(two: Cli) -> None:
    assert two.run("ssh", "1", "--", "exit 7").returncode == 7


def test_exec_prefixes_lines_and_passes_the_exit_code_through(two: Cli) -> None:
    assert sorted(two.ok("exec", "all", "--", "hostname").split("\n")[:2]) == [
        "fabric1 | fabric1",
        "fabric2 | fabric2",
    ]
    assert two.run("exec", "1-2", "--", 'test "$(hostname)" = fabric1 || exit 5').returncode == 5


def test_cp_both_ways(two: Cli, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(100_000))
    two.ok("cp", str(there), "fabric1:/tmp/blob")
    two.ok("cp", "1:/tmp/blob", "2:/tmp/blob")
    two.ok("cp", "2:/tmp/blob", str(back))
    assert there.read_bytes() == back.read_bytes()


def test_the_users_own_ssh_works(two: Cli) -> None:
    config = two.ok("ssh-config", "--path").strip()
    argv = ["ssh", "-F", config, "fabric2", "hostname"]
    assert subprocess.check_output(argv, text=True, timeout=TIMEOUT).strip() == "fabric2"
    assert "Host fabric1\n" in two.ok("ssh-config")


def test_pause_and_resume(two: Cli) -> None:
    two.ok("node", "pause", "2")
    assert two.states() == ["running", "paused"]
    two.fails("ssh", "2", "--", "true", code=1, says="fabric2 is paused")
    two.ok("node", "resume", "2")
    assert two.node(2, "hostname") == "fabric2"


def test_stop_and_start_keep_the_disk_and_the_pool(two: Cli) -> None:
    two.ok("pool", "write", "0", "kept")
    two.node(2, "echo written > kept; sync")
    two.node(2, "echo 'tmpfs /mnt/more tmpfs size=1M 0 0' | sudo tee -a /etc/fstab")
    two.node(2, "sudo mkdir /mnt/more; sudo mount -a; findmnt /mnt/more")
    two.node(
        2, "echo dummy | sudo tee -a /etc/modules; echo nbd | sudo tee /etc/modules-load.d/x.conf"
    )
    two.ok("node", "stop", "2")
    assert two.states() == ["running", "stopped"]
    two.fails("ssh", "2", "--", "true", code=1, says="fabric2 is stopped")
    two.ok("node", "start", "2")
    assert two.node(2, "cat kept") == "written"
    assert two.node(2, "findmnt -n -o FSTYPE /mnt/more") == "tmpfs"
    two.node(2, "test -d /sys/module/dummy -a -d /sys/module/nbd")
    assert two.ok("pool", "read", "0", "4", "--raw") == "kept"


def test_up_starts_what_was_killed_and_leaves_the_rest_alone(two: Cli) -> None:
    before = [node["pid"] for node in two.status()["nodes"]]
    two.ok("node", "kill", "1")
    assert two.states() == ["stopped", "running"]
    two.ok("up")
    after = [node["pid"] for node in two.status()["nodes"]]
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_log_has_the_serial_console_and_the_programs_run(two: Cli) -> None:
    two.node(1, "echo a-mark-on-the-console | sudo tee /dev/ttyS0")
    wait(lambda: "a-mark-on-the-console" in two.ok("log", "1"), interval=0.5)
    assert "qemu-system-x86_64" in two.ok("log")


def test_console_logs_in_with_the_password_and_leaves_with_its_key(two: Cli) -> None:
    assert two.log_in_on_console() == 0


def test_unknown_nodes_are_refused(two: Cli) -> None:
    two.fails("ssh", "3", code=2, says="there is no node fabric3")
    two.fails("exec", "1-9", "--", "true", code=2, says="there is no node fabric3")
    two.fails("node", "stop", "bogus", code=2, says="'bogus' does not name a node")
    two.fails("cp", "x", "1-2:y", code=2, says="names 2 nodes, but the command takes")
    two.fails("status", "--fabric", "nowhere", code=1, says="there is no fabric 'nowhere'")
