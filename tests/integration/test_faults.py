# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of real life: one error with its cure, nothing lost, nothing left running."""

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from famulus.base import paths
from famulus.state.folder import FabricFolder
from tests.integration.cli import TIMEOUT, Cli, interrupt, kill_daemon
from tests.integration.ping import check_ping
from tests.integration.templates import refusing_port, text
from tests.integration.waits import halted_when, until, wait
from tests.nolocks import without_locks

pytestmark = pytest.mark.integration

# With an argument: send twenty words a second and read them back, until there is a file `stop`.
# Without an argument: the other end.
TALK = """
import os, socket, sys, time
if len(sys.argv) == 1:
    listener = socket.create_server(("", 5000))
    print("listens", flush=True)
    connection = listener.accept()[0]
    while word := connection.recv(100):
        connection.sendall(word)
    sys.exit()
connection = socket.create_connection((sys.argv[1], 5000))
print("connected", flush=True)
while not os.path.exists("stop"):
    connection.sendall(b"word")
    assert connection.recv(100)
    time.sleep(0.05)
print("done")
"""


def test_the_switch_is_killed_and_up_repairs_it_under_running_nodes(two: Cli) -> None:
    two.node(1, "echo still-here > /tmp/mark")
    before = [node["pid"] for node in two.status()["nodes"]]
    kill_daemon(two, "switch")
    assert two.status()["network"] == "stopped"
    two.ok("up")
    assert [node["pid"] for node in two.status()["nodes"]] == before
    assert two.node(1, "cat /tmp/mark") == "still-here"
    check_ping(two, 1, "fabric2", 4)


def test_connections_outlive_nodes_that_come_and_go(own: Cli, tmp_path: Path) -> None:
    """The switch forgets all addresses each time, and sends frames to all nodes for a moment."""
    source = tmp_path / "talk.py"
    source.write_text(TALK, encoding="utf-8")
    own.ok("up", "3", "--pool", "64M")
    for node in ("1", "2"):
        own.ok("cp", str(source), f"{node}:")
    listening = own.start("ssh", "2", "--", "python3 talk.py")
    until(listening, "listens")
    talking = own.start("ssh", "1", "--", "python3 talk.py fabric2")
    until(talking, "connected")
    for _ in range(2):
        own.ok("node", "kill", "3")
        own.ok("node", "reset", "3")  # a new clone runs sooner than a boot from the disk
    own.node(1, "touch stop")
    assert talking.communicate(timeout=TIMEOUT)[0] == "done\n"
    assert listening.wait(TIMEOUT) == 0


def test_the_gateway_is_killed_and_up_repairs_it(two: Cli) -> None:
    kill_daemon(two, "gateway")
    two.ok("up")
    assert two.node(2, "hostname") == "fabric2"


def test_up_grows_and_shrinks(two: Cli) -> None:
    two.ok("up", "3")
    try:
        assert two.states() == ["running"] * 3
        assert "192.168.42.3 fabric3" in two.node(1, "cat /etc/hosts")
        assert two.node(3, "ssh -o BatchMode=yes fabric1 hostname") == "fabric1"
        assert two.node(1, "ssh -o BatchMode=yes fabric3 hostname") == "fabric3"
    finally:
        two.ok("up", "2")
    assert two.states() == ["running"] * 2
    assert "fabric3" not in two.node(1, "cat /etc/hosts")


def test_two_ups_at_once_wait_for_each_other(two: Cli) -> None:
    folder = FabricFolder(two.fabric)
    first = two.start("up", "3")  # a clone takes a second or two
    with halted_when(first, lambda: f"(process {first.pid})" in folder.holder()):
        second = two.start("up", "3")
        until(second, f"waiting for famulus up (process {first.pid})")
    outputs = [process.communicate(timeout=TIMEOUT)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert two.states() == ["running"] * 3
    two.ok("up", "2")
    assert two.states() == ["running"] * 2


def first_bytes(cli: Cli, number: int) -> str:
    look = "import mmap, os; f = os.open('/dev/fam0', os.O_RDWR); print(mmap.mmap(f, 4096)[:8])"
    return cli.node(number, f'python3 -c "{look}"')


@pytest.mark.parametrize("kind", [(), ("--coherence", "none")])
def test_a_pool_whose_name_is_gone_survives(own: Cli, kind: tuple[str, ...]) -> None:
    """As systemd does at a user's last logout, and as cleaners of temporary files do."""
    own.ok("up", "1", "--pool", "64M", *kind)
    own.ok("pool", "write", "0", "precious")
    pool = Path(own.status()["pool"])
    pool.unlink()
    pool.with_name(f".{pool.name}.famulus").unlink()
    assert own.ok("pool", "read", "0", "8", "--raw") == "precious"
    assert "the pool that they hold" in own.run("up", "2").stderr
    own.ok("pool", "write", "0", "changed!")
    assert [first_bytes(own, number) for number in (1, 2)] == ["b'changed!'"] * 2
    assert not pool.exists()
    own.ok("down")
    assert own.ok("pool", "read", "0", "8", "--raw") == "changed!"
    assert not own.status()["pool_unnamed"]


def test_down_refuses_to_lose_a_pool_whose_name_another_file_has(own: Cli, tmp_path: Path) -> None:
    own.ok("up", "1", "--pool", "64M")
    own.ok("pool", "write", "0", "precious")
    pool = Path(own.status()["pool"])
    pool.unlink()
    pool.write_bytes(b"another")
    own.fails("down", code=1, says="another file has the name")
    assert own.states() == ["running"]
    own.ok("pool", "save", str(tmp_path / "saved"))
    assert (tmp_path / "saved").read_bytes()[:8] == b"precious"
    pool.unlink()
    own.node(1, "sudo systemctl poweroff")
    wait(lambda: own.states() == ["stopped"], own.states)
    own.ok("node", "start", "1")  # the switch has held the pool meanwhile
    assert first_bytes(own, 1) == "b'precious'"
    assert not own.status()["pool_unnamed"]


def test_a_pool_of_another_size_is_refused_and_kept(own: Cli) -> None:
    pool = Path(f"/dev/shm/fabric_em.{own.fabric}")
    pool.write_bytes(b"precious" + bytes((64 << 20) - 8))
    try:
        own.fails("up", "1", "--pool", "128M", code=1, says="64M")
        assert pool.read_bytes()[:8] == b"precious"
        assert pool.stat().st_size == 64 << 20
        assert own.processes() == []
    finally:
        pool.unlink()


def folder_made(cli: Cli) -> bool:
    return FabricFolder(cli.fabric).path.is_dir()


def machine_runs(cli: Cli) -> bool:
    return (FabricFolder(cli.fabric).path / "node1" / "qemu.pid").exists()


def debian_boots(cli: Cli) -> bool:
    """systemd writes to the console as soon as it starts; the kernel is quiet."""
    return text(FabricFolder(cli.fabric).path / "node1" / "serial.log") != ""


@pytest.mark.parametrize(
    ("way", "nodes", "moment", "number"),
    [
        ("--clone", 16, machine_runs, signal.SIGQUIT),
        ("--cold", 2, machine_runs, signal.SIGINT),
        ("--cold", 2, debian_boots, signal.SIGINT),
    ],
)
def test_a_key_that_interrupts_leaves_nothing(
    own: Cli, way: str, nodes: int, moment: Callable[[Cli], bool], number: signal.Signals
) -> None:
    process = own.start("up", str(nodes), "--pool", "64M", way)
    verb = "clone" if way == "--clone" else "start"
    until(process, f"{verb} fabric1")  # sixteen clones take some seconds from there
    with halted_when(process, lambda: moment(own)):
        os.killpg(process.pid, number)
    process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + number
    assert own.processes() == []
    assert not Path(f"/dev/shm/fabric_em.{own.fabric}").exists()
    assert own.fabric not in own.ok("list")


def test_ctrl_c_ends_exec_at_once(two: Cli) -> None:
    process = two.start("exec", "all", "--", "echo begun; sleep 300")
    until(process, "begun")
    interrupt(process)
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("way", "moment"),
    [("--clone", folder_made), ("--clone", machine_runs), ("--cold", debian_boots)],
)
def test_up_goes_on_after_a_killed_up(own: Cli, way: str, moment: Callable[[Cli], bool]) -> None:
    process = own.start("up", "1", "--pool", "64M", way)
    with halted_when(process, lambda: moment(own)):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    own.ok("up", "1", "--pool", "64M")
    assert own.states() == ["running"]
    assert own.node(1, "hostname") == "fabric1"
    own.ok("down", "--purge")
    assert own.processes() == []


def test_taken_ssh_ports_are_passed_over(own: Cli) -> None:
    with ExitStack() as held:
        taken = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(1)]
        port = taken[0].getsockname()[1]
        own.ok("up", "1", "--pool", "64M", "--ssh-port", str(port))
        assert own.status()["nodes"][0]["ssh_port"] > port


def test_no_free_ssh_port_is_an_error_that_leaves_nothing(own: Cli) -> None:
    with socket.create_server(("127.0.0.1", 65535)):
        own.fails("up", "1", "--pool", "64M", "--ssh-port", "65535", code=1, says="no free port")
    assert own.processes() == []


def test_a_kvm_that_boots_nothing_is_one_line_with_its_cure(own: Cli, tmp_path: Path) -> None:
    """On this host /dev/kvm makes machines, but its CPU lacks virtualisation: no kernel boots."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    if not Path("/dev/kvm").exists() or re.search(r"\b(vmx|svm)\b", cpuinfo):
        pytest.skip("no KVM here, or a KVM that works")
    shown_cpu = tmp_path / "cpuinfo"
    shown_cpu.write_text(re.sub(r"(?m)^(flags\s*:.*)$", r"\1 vmx", cpuinfo), encoding="utf-8")

    def up(*words: str) -> subprocess.CompletedProcess[str]:
        command = shlex.join(own.argv("up", "1", "--pool", "64M", *words))
        script = f"mount --bind {shown_cpu} /proc/cpuinfo && exec {command}"
        return own.command(["unshare", "--mount", "sh", "-c", script])

    first = up()
    assert first.returncode == 0, first.stderr
    line = "accelerator: TCG, because a trial booted nothing"
    assert [text for text in first.stderr.splitlines() if line in text and "--accel kvm" in text]
    assert first.stderr.count(line) == 1
    assert own.node(1, "hostname") == "fabric1"
    own.ok("node", "stop", "1")
    asked = up("--accel", "kvm")
    assert asked.returncode == 1, asked.stderr
    assert "KVM was asked for, but a trial booted nothing" in asked.stderr
    again = up()
    assert again.stderr.count(line) == 1
    assert "try KVM" not in again.stderr


def test_a_mirror_and_a_proxy_are_asked_only_when_a_template_is_built(own: Cli) -> None:
    own.ok("up", "1", "--pool", "64M")
    with refusing_port() as port:
        proxy = f"http://ann:secret@127.0.0.1:{port}"
        own.env |= {"http_proxy": proxy, "MIRROR": "http://mirror.example/debian"}
        own.ok("up")
        in_node = own.node(1, "cat /etc/apt/apt.conf.d/90famulus")
        assert in_node == f'Acquire::http::Proxy "http://ann:secret@192.168.42.254:{port}";'
        shown = own.fails("up", "2", code=1, says="through the proxy http://ann:***@127.0.0.1")
        assert "secret" not in shown + own.ok("log")
    own.env["FAMULUS_PROXY"] = ""
    own.ok("up")
    assert own.node(1, "cat /etc/apt/apt.conf.d/90famulus") == "# no proxy"
    own.env["http_proxy"] = "proxy.example:3128"
    own.env.pop("FAMULUS_PROXY")
    own.ok("down", "--purge")


def test_a_limit_of_the_shell_is_named_before_anything_starts(own: Cli) -> None:
    script = "ulimit -v 900000 && exec " + shlex.join(own.argv("up", "1", "--pool", "64M"))
    result = own.command(["sh", "-c", script])
    assert result.returncode == 1, result.stderr
    assert "`ulimit -v` is 900000" in result.stderr
    assert "clone" not in result.stderr
    assert own.processes() == []


def test_full_shared_memory_is_an_error_before_anything_starts(own: Cli) -> None:
    script = "mount -t tmpfs -o size=8M none /dev/shm && exec " + " ".join(own.argv("up", "1"))
    argv = ["unshare", "--mount", "sh", "-c", script]
    result = subprocess.run(
        argv, env=own.environment(), capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert result.returncode == 1, result.stderr
    assert "/dev/shm" in result.stderr
    assert own.processes() == []


def test_a_full_disk_is_an_error_that_leaves_nothing(own: Cli, tmp_path: Path) -> None:
    script = f"mount -t tmpfs -o size=64M none {tmp_path} && exec " + " ".join(own.argv("up", "1"))
    argv = ["unshare", "--mount", "sh", "-c", script]
    env = {**own.environment(), "FAMULUS_HOME": str(tmp_path)}
    result = subprocess.run(
        argv, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert result.returncode == 1, result.stderr
    assert str(tmp_path) in result.stderr
    assert "Traceback" not in result.stderr


def test_down_works_where_locks_have_gone(own: Cli, tmp_path: Path) -> None:
    home = paths.home().resolve()
    own.ok("up", "1", "--pool", "64M", "--coherence", "none")
    own.node(1, "echo kept > mark")
    own.env |= without_locks(home, tmp_path)
    shown = own.fails("up", "1", code=1, says=f"cannot lock {FabricFolder(own.fabric).path}/lock")
    assert "rpc.statd" in shown
    assert "no locks in" in own.run("doctor").stdout
    assert "without the lock" in own.run("down").stderr
    assert own.states() == ["stopped"]
    del own.env["LD_PRELOAD"]
    own.ok("up")
    assert own.node(1, "cat mark") == "kept"
    own.env |= without_locks(home, tmp_path)
    own.ok("down", "--purge")
    assert own.processes() == []


def test_nodes_run_in_a_home_with_a_long_and_odd_path(own: Cli, tmp_path: Path) -> None:
    home = tmp_path / ("x" * 120) / ("y y" * 20) / "50%d, \"a\"\\b:'c'"
    home.mkdir(parents=True)
    (home / "templates").symlink_to(paths.templates())
    (home / "snapshots").symlink_to(paths.snapshots())
    own.env["FAMULUS_HOME"] = str(home)
    own.ok("up", "1", "--pool", "64M")
    assert own.node(1, "hostname") == "fabric1"
