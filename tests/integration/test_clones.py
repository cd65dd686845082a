# SPDX-License-Identifier: GPL-2.0-or-later
"""Clones: each a node of its own, whole after every fault, its user's disk never lost."""

import json
import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.base import paths
from famulus.base.waiting import wait_until
from famulus.host.space import free_bytes
from famulus.snapshot.sums import sums_of
from tests.integration.cli import Cli, all_processes, running

pytestmark = pytest.mark.integration

MIB = 1 << 20

# What must differ from node to node, each printed on a line of its own.
OWN = """
import os, socket, uuid
print(socket.gethostname())
print(open("/etc/machine-id").read().strip())
print(open("/proc/sys/kernel/random/boot_id").read().strip())
print(open("/sys/class/net/eth0/address").read().strip())
print(open("/dev/urandom", "rb").read(32).hex())
print(os.getrandom(32).hex())
print(uuid.uuid4())
print(open("/etc/ssh/ssh_host_ed25519_key.pub").read().split()[1])
probe = socket.create_server(("", 0))
print(probe.getsockname()[1], os.urandom(8).hex())
"""


@pytest.fixture(scope="module")
def three() -> Iterator[Cli]:
    with running(3) as cli:
        yield cli


@pytest.fixture
def memory(own: Cli) -> Iterator[str]:
    """A size of memory that no other test uses, so that the snapshot is the test's own."""
    taken = {entry["memory"] for entry in json.loads(own.ok("snapshot", "list", "--json"))}
    size = next(size for size in range(300, 500, 4) if size * MIB not in taken)
    yield f"{size}M"
    own.purge()
    own.ok("snapshot", "prune")


def snapshot_folder(own: Cli, memory: str, pool: int = 64 * MIB) -> Path:
    """Return the folder of the snapshot with so much memory and such a pool; 0 is none."""
    size = int(memory.removesuffix("M")) * MIB
    found = json.loads(own.ok("snapshot", "list", "--json"))
    wanted = [one["digest"] for one in found if (one["memory"], one["pool"]) == (size, pool)]
    assert len(wanted) == 1
    return paths.snapshots() / str(wanted[0])


def test_every_clone_is_a_node_of_its_own(three: Cli) -> None:
    answers = []
    for number in (1, 2, 3):
        three.ok("ssh", str(number), "--", "cat > own.py", stdin=OWN)
        answers.append(three.node(number, "sudo python3 own.py").splitlines())
    assert [answer[0] for answer in answers] == ["fabric1", "fabric2", "fabric3"]
    for values in zip(*answers, strict=True):
        assert len(set(values)) == 3, values


def test_the_clock_of_a_clone_is_right(three: Cli) -> None:
    for number in (1, 2, 3):
        three.node(number, "true")  # the way is warm
        before = time.time()
        inside = float(three.node(number, "date +%s.%N"))
        assert before - 0.1 <= inside <= time.time() + 0.1


def test_a_clone_has_a_journal_of_its_own(three: Cli) -> None:
    three.node(1, "logger only-in-one; sleep 1")
    assert "only-in-one" in three.node(1, "sudo journalctl --no-pager")
    assert "only-in-one" not in three.node(2, "sudo journalctl --no-pager")
    machine = three.node(1, "cat /etc/machine-id")
    assert three.node(1, "ls /run/log/journal") == machine
    ids = three.node(1, "sudo journalctl --no-pager -o export | grep -a ^_MACHINE_ID | sort -u")
    assert ids == f"_MACHINE_ID={machine}"


def test_nothing_failed_in_a_clone(three: Cli) -> None:
    assert three.node(1, "systemctl --failed --no-legend --plain") == ""
    assert three.node(1, "systemctl is-system-running") == "running"


def test_udev_listens_after_the_first_login(three: Cli) -> None:
    assert three.node(1, "systemctl is-active systemd-udevd-kernel.socket") == "active"
    three.node(1, "sudo udevadm trigger --settle --subsystem-match=net")
    assert three.node(1, "systemctl is-active systemd-udevd") == "active"


def test_a_clone_sees_what_a_booted_node_sees(own: Cli, three: Cli) -> None:
    look = (
        "lspci -nn; ls -l /mnt/fabric_emulation; stat -L -c %s /mnt/fabric_emulation; "
        "ip -br addr show eth0 | tr -s ' '; uname -r; cat /etc/hostname /etc/resolv.conf; nproc; "
        "lspci -vs 0:4.0 | grep -o 'Memory at .*bit.*'| sed 's/ [0-9a-f]* / /'"
    )
    own.ok("up", "1", "--pool", "64M", "--cold")
    assert own.node(1, look) == three.node(1, look)
    assert not (paths.fabrics() / own.fabric / "node1" / "snapshot").read_text().strip()


def test_a_clone_that_reboots_is_the_same_node(own: Cli) -> None:
    own.ok("up", "2", "--pool", "64M")
    boot = own.node(1, "cat /proc/sys/kernel/random/boot_id; echo kept > kept; sync").split()[0]
    own.run("ssh", "1", "--", "sudo systemctl reboot")
    deadline = time.monotonic() + 120
    probe = "ssh -o BatchMode=yes -o ConnectTimeout=5 fabric1 cat /proc/sys/kernel/random/boot_id"
    while own.run("ssh", "2", "--", probe).stdout.strip() in ("", boot):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert own.node(1, "hostname; cat kept").split() == ["fabric1", "kept"]
    assert own.node(2, "ping -c 1 -W 5 fabric1 > /dev/null && echo reached") == "reached"


def test_a_disk_survives_stop_and_kill_and_only_reset_forgets_it(own: Cli) -> None:
    own.ok("up", "2", "--pool", "64M")
    files = "/etc/hostname /etc/hosts /etc/machine-id /etc/ssh/ssh_known_hosts ~/.ssh/*"
    wait_until("the agent to trim", lambda: trimmed(own), timeout=30)
    before = own.node(1, f"md5sum {files}")
    own.node(1, "echo precious > mine; sync")
    key = own.node(1, "cat /etc/ssh/ssh_host_ed25519_key.pub")
    for verb in ("stop", "kill"):
        own.ok("node", verb, "1")
        own.ok("node", "start", "1")
        assert own.node(1, "cat mine") == "precious"
        assert own.node(1, f"md5sum {files}") == before
    own.ok("down")
    own.ok("up")
    assert own.node(1, "cat mine") == "precious"
    own.ok("node", "reset", "1")
    assert own.node(1, "cat /etc/ssh/ssh_host_ed25519_key.pub") == key
    assert "mine" not in own.node(1, "ls")
    assert own.states() == ["running"] * 2


def trimmed(own: Cli) -> bool:
    return own.node(1, "tail -n 1 /etc/hosts") != ""


def test_what_a_clone_was_told_reaches_its_disk(own: Cli) -> None:
    """Not even the agent gets to tidy up: the node is gone seconds after it has come up."""
    own.ok("up", "1", "--pool", "64M")
    key = own.node(1, "sudo cat /etc/ssh/ssh_host_ed25519_key; sync")
    own.ok("node", "kill", "1")
    disk = paths.fabrics() / own.fabric / "node1" / "disk.qcow2"
    raw = disk.with_name("raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw], check=True)
    with raw.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
        assert content.find(key.encode()) > 0
    raw.unlink()


@pytest.mark.parametrize("harm", ["flip", "truncate"])
@pytest.mark.parametrize("name", ["ram", "state"])
def test_a_damaged_snapshot_is_made_again(own: Cli, memory: str, name: str, harm: str) -> None:
    own.ok("up", "1", "--pool", "64M", "--memory", memory)
    own.ok("down", "--purge")
    damage(snapshot_folder(own, memory) / name, harm)
    result = own.run("up", "1", "--pool", "64M", "--memory", memory)
    assert "with a pool of 64M" in result.stderr
    assert "boot once" not in result.stderr
    assert own.node(1, "hostname") == "fabric1"


def test_a_damaged_snapshot_without_a_pool_is_made_again(own: Cli, memory: str) -> None:
    own.ok("up", "1", "--pool", "64M", "--memory", memory)
    own.ok("down", "--purge")
    damage(snapshot_folder(own, memory, 0) / "ram", "flip")
    result = own.run("up", "1", "--pool", "128M", "--memory", memory)
    assert "boot once, freeze" in result.stderr
    assert own.node(1, "stat -L -c %s /mnt/fabric_emulation") == str(128 * MIB)


def damage(path: Path, harm: str) -> None:
    path.chmod(0o600)
    with path.open("r+b") as file:
        middle = path.stat().st_size // 2
        if harm == "truncate":
            file.truncate(middle)
        else:
            file.seek(middle)
            byte = file.read(1)
            file.seek(middle)
            file.write(bytes([byte[0] ^ 1]))


def test_a_snapshot_that_qemu_refuses_is_made_again(own: Cli, memory: str) -> None:
    """As one of another QEMU would be: whole, but not to be restored."""
    own.ok("up", "1", "--pool", "64M", "--memory", memory)
    own.ok("down", "--purge")
    folder = snapshot_folder(own, memory)
    state = folder / "state"
    state.chmod(0o600)
    state.write_bytes(b"not a migration stream")
    record = json.loads((folder / "snapshot.json").read_text())

    record["sums"] = sums_of(folder, tuple(record["sums"]))
    (folder / "snapshot.json").write_text(json.dumps(record))
    result = own.run("up", "2", "--pool", "64M", "--memory", memory)
    assert result.returncode == 0, result.stderr
    assert "it is made anew" in result.stderr
    assert own.node(2, "hostname") == "fabric2"


@pytest.mark.parametrize("seconds", [2.0, 8.0])
@pytest.mark.parametrize("has_base", [False, True])
def test_killed_while_a_snapshot_is_made(
    own: Cli, memory: str, seconds: float, has_base: bool
) -> None:
    if has_base:
        own.ok("up", "1", "--pool", "128M", "--memory", memory)
        own.ok("down", "--purge")
        seconds /= 2
    process = own.start("up", "1", "--pool", "64M", "--memory", memory)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    own.ok("up", "1", "--pool", "64M", "--memory", memory)
    assert own.node(1, "hostname") == "fabric1"
    assert list(paths.snapshots().glob(".building-*")) == []
    tokens = [arguments for _, arguments in all_processes()]
    ours = os.fsencode(paths.snapshots())  # others' may be made at the same time
    assert not any(b"famulus-snapshot" in token and ours in token for token in tokens)


def test_no_room_for_a_snapshot(own: Cli, tmp_path: Path) -> None:
    """The templates are there, the snapshots' folder has 64 MiB: told before anything starts."""
    home = tmp_path / "home"
    (home / "snapshots").mkdir(parents=True)
    (home / "templates").symlink_to(paths.templates())
    script = f"mount -t tmpfs -o size=64M none {home}/snapshots && exec " + " ".join(
        own.argv("up", "1", "--pool", "64M")
    )
    own.env["FAMULUS_HOME"] = str(home)
    assert free_bytes(home) > 256 * MIB
    result = own.command(["unshare", "--mount", "sh", "-c", script])
    assert result.returncode == 1
    assert "cannot make a snapshot" in result.stderr
    assert "--cold" in result.stderr
    assert own.processes() == []


def test_a_pool_of_64_gib_and_four_cpus(own: Cli) -> None:
    own.ok("up", "2", "--pool", "64G", "--cpus", "4")
    assert own.node(1, "nproc") == "4"
    write = (
        "import mmap,os; f=os.open('/mnt/fabric_emulation',os.O_RDWR); "
        "m=mmap.mmap(f,4096,offset=(64<<30)-4096); m[:5]=b'there'"
    )
    own.node(1, f'sudo python3 -c "{write}"')
    read = write.replace("m[:5]=b'there'", "print(m[:5].decode())")
    assert own.node(2, f'sudo python3 -c "{read}"') == "there"
    assert "there" in own.ok("pool", "read", hex((64 << 30) - 4096), "16")


def test_snapshots_in_use_survive_prune(own: Cli, three: Cli) -> None:
    before = three.node(1, "cat /proc/sys/kernel/random/boot_id")
    own.ok("snapshot", "prune")
    assert three.node(1, "cat /proc/sys/kernel/random/boot_id") == before
    three.ok("node", "reset", "3")
    assert three.node(3, "hostname") == "fabric3"


# `up` as it is, but for how long it waits.
IMPATIENT = """
from famulus.__main__ import main
from famulus.fabric import start
start.BOOT_TIMEOUT = 20.0
main()
"""


def test_an_agent_that_does_not_answer(own: Cli) -> None:
    """The node is named and its log shown; what this `up` started is gone, what ran before runs."""
    own.ok("up", "1", "--pool", "64M")
    own.node(1, "sudo systemctl stop famulus-agent")
    result = own.command([sys.executable, "-c", IMPATIENT, "up", "2"])
    assert result.returncode == 1
    assert "fabric1: no answer from the node's agent within 20 s" in result.stderr
    assert "[cloned from the snapshot" in result.stderr
    assert own.states() == ["running"]
    assert own.node(1, "hostname") == "fabric1"
