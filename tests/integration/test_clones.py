# SPDX-License-Identifier: GPL-2.0-or-later
"""Clones: each is a node of its own, is whole after every fault, and keeps its user's disk.

The tests have a FAMULUS_HOME of their own: they damage snapshots and prune them all. The home has
everybody's templates, and a base snapshot of 512 MiB and one CPU that most tests share.
"""

import json
import mmap
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from famulus.backend.disk import backing_chain
from famulus.base import paths
from famulus.host.space import free_bytes
from famulus.snapshot import store
from famulus.snapshot.sums import sums_of
from tests.integration.cli import Cli, all_processes, running
from tests.integration.templates import built, copied
from tests.integration.waits import halted_when, wait

pytestmark = pytest.mark.integration

MIB = 1 << 20

# Prints, a line each, the properties that differ from node to node.
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


@pytest.fixture(scope="module", autouse=True)
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give this file's tests a FAMULUS_HOME of their own, and yield the one of all other tests."""
    shared, folder = paths.home(), tmp_path_factory.mktemp("home")
    (folder / "templates").symlink_to(built(Cli("clones")).parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAMULUS_HOME", str(folder))
        yield shared
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def three() -> Iterator[Cli]:
    with running(3) as cli:
        yield cli


def snapshot_folder(own: Cli, pool: int, memory: int = 512) -> Path:
    """Return the newest snapshot with these MiB of memory and pool; 0 is without a pool."""
    found = json.loads(own.ok("snapshot", "list", "--json"))
    size = (memory * MIB, pool * MIB)
    names = {one["digest"] for one in found if (one["memory"], one["pool"]) == size}
    (key,) = {name.partition("-")[0] for name in names}
    return paths.snapshots() / store.newest(key)


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
        three.node(number, "true")  # ssh is connected now
        before = time.time()
        inside = float(three.node(number, "date +%s.%N"))
        assert before - 0.1 <= inside <= time.time() + 0.1


def test_a_clone_has_a_journal_of_its_own(three: Cli) -> None:
    three.node(1, "logger only-in-one")
    wait(lambda: "only-in-one" in three.node(1, "sudo journalctl --no-pager"))
    assert "only-in-one" not in three.node(2, "sudo journalctl --no-pager")
    machine = three.node(1, "cat /etc/machine-id")
    assert three.node(1, "ls /run/log/journal") == machine
    ids = three.node(1, "sudo journalctl --no-pager -o export | grep -a ^_MACHINE_ID | sort -u")
    assert ids == f"_MACHINE_ID={machine}"


def test_no_unit_of_systemd_failed_in_a_clone(three: Cli) -> None:
    assert three.node(1, "systemctl --failed --no-legend --plain") == ""
    assert three.node(1, "systemctl is-system-running") == "running"


def test_udev_listens_after_the_first_login(three: Cli) -> None:
    assert three.node(1, "systemctl is-active systemd-udevd-kernel.socket") == "active"
    three.node(1, "sudo udevadm trigger --settle --subsystem-match=net")
    assert three.node(1, "systemctl is-active systemd-udevd") == "active"


def test_a_clone_sees_the_same_machine_as_a_booted_node(own: Cli, three: Cli) -> None:
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
    probe = "ssh -o BatchMode=yes -o ConnectTimeout=5 fabric1 cat /proc/sys/kernel/random/boot_id"
    wait(lambda: own.run("ssh", "2", "--", probe).stdout.strip() not in ("", boot), interval=1)
    assert own.node(1, "hostname; cat kept").split() == ["fabric1", "kept"]
    assert own.node(2, "ping -c 1 -W 5 fabric1 > /dev/null && echo reached") == "reached"


def test_a_disk_survives_stop_and_kill_and_only_reset_forgets_it(own: Cli) -> None:
    own.ok("up", "1", "--pool", "64M")
    files = "/etc/hostname /etc/hosts /etc/machine-id /etc/ssh/ssh_known_hosts ~/.ssh/*"
    wait(lambda: trimmed(own))
    before = own.node(1, f"md5sum {files}")
    own.node(1, "echo precious > mine; sync")
    key = own.node(1, "cat /etc/ssh/ssh_host_ed25519_key.pub")
    for verb in ("stop", "kill"):
        own.ok("node", verb, "1")
        own.ok("node", "start", "1")
        assert own.node(1, "cat mine") == "precious"
        assert own.node(1, f"md5sum {files}") == before
    own.ok("node", "reset", "1")
    assert own.node(1, "cat /etc/ssh/ssh_host_ed25519_key.pub") == key
    assert "mine" not in own.node(1, "ls")
    assert own.states() == ["running"]


def trimmed(own: Cli) -> bool:
    """Tell whether the agent has removed the blank lines that end files of a new clone."""
    return own.node(1, "tail -n 1 /etc/hosts") != ""


def test_a_clones_own_files_reach_its_disk(own: Cli) -> None:
    """The node is killed seconds after its start, before the agent tidies up."""
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
def test_a_damaged_snapshot_is_made_again(own: Cli, name: str, harm: str) -> None:
    own.ok("up", "1", "--pool", "256M")
    own.ok("down", "--purge")
    damage(snapshot_folder(own, 256) / name, harm)
    result = own.run("up", "1", "--pool", "256M")
    assert "with a pool of 256M" in result.stderr
    assert "boot once" not in result.stderr
    assert own.node(1, "hostname") == "fabric1"


def test_a_damaged_base_snapshot_is_made_again(own: Cli) -> None:
    own.ok("up", "1", "--pool", "256M")
    own.ok("down", "--purge")
    damage(snapshot_folder(own, 0) / "ram", "flip")
    result = own.run("up", "1", "--pool", "128M")
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


def test_a_snapshot_that_qemu_refuses_is_made_again(own: Cli) -> None:
    """The files match their sums, but QEMU cannot restore them, as from another QEMU."""
    own.ok("up", "1", "--pool", "256M")
    own.ok("down", "--purge")
    make_refused(snapshot_folder(own, 256))
    result = own.run("up", "2", "--pool", "256M")
    assert result.returncode == 0, result.stderr
    assert "`up` makes a new snapshot" in result.stderr
    assert own.node(2, "hostname") == "fabric2"


def make_refused(snapshot: Path) -> None:
    """Have QEMU refuse the snapshot, whose sums stay right."""
    state = snapshot / "state"
    state.chmod(0o600)
    state.write_bytes(b"not a migration stream")
    record = json.loads((snapshot / "snapshot.json").read_text())
    record["sums"] = sums_of(snapshot, tuple(record["sums"]))
    (snapshot / "snapshot.json").write_text(json.dumps(record))


@pytest.fixture
def other(own: Cli) -> Iterator[Cli]:
    """A second fabric of the test's own, not started yet."""
    cli = Cli(f"{own.fabric}-b")
    yield cli
    cli.purge()


@pytest.fixture
def starved(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which QEMU gets too little memory, a limit that `up` cannot see."""
    qemu = tmp_path / "bin" / "qemu-system-x86_64"
    qemu.parent.mkdir()
    qemu.write_text(f'#!/bin/sh\nulimit -v 1000000\nexec {shutil.which(qemu.name)} "$@"\n')
    qemu.chmod(0o755)
    return {"PATH": f"{qemu.parent}:{os.environ['PATH']}"}


def test_a_failing_up_keeps_the_snapshot_below_the_disks_of_other_fabrics(
    own: Cli, other: Cli, starved: dict[str, str]
) -> None:
    """The host lacks memory, or QEMU refuses the snapshot: the first fabric notices nothing."""
    own.ok("up", "1", "--pool", "256M")
    own.node(1, "echo precious > mine; sync")
    snapshot = snapshot_folder(own, 256)
    inode = (snapshot / "disk.qcow2").stat().st_ino
    result = replace(other, env=starved).run("up", "1", "--pool", "256M")
    assert result.returncode == 1
    assert "Cannot allocate memory" in result.stderr
    assert "makes a new snapshot" not in result.stderr
    make_refused(snapshot)
    other.ok("up", "1", "--pool", "256M")
    assert other.node(1, "hostname") == "fabric1"
    assert snapshot_folder(own, 256) == store.vault().folder(store.following(snapshot.name))
    own.ok("snapshot", "prune")
    assert (snapshot / "disk.qcow2").stat().st_ino == inode
    own.ok("node", "stop", "1")
    own.ok("node", "start", "1")
    assert own.node(1, "cat mine; sudo journalctl --verify > /dev/null && echo whole").split() == [
        "precious",
        "whole",
    ]


@pytest.mark.parametrize("way", [["--cold"], ["--memory", "768M"]], ids=["boot", "snapshot"])
def test_qemus_words_say_why_a_machine_did_not_start(
    own: Cli, way: list[str], starved: dict[str, str]
) -> None:
    result = replace(own, env=starved).run("up", "1", "--pool", "64M", *way)
    assert result.returncode == 1
    assert "guest RAM" in result.stderr or "guest memory" in result.stderr
    assert "Cannot allocate memory" in result.stderr
    assert own.processes() == []


def test_a_disk_never_starts_over_another_build_of_its_template(own: Cli, tmp_path: Path) -> None:
    """The template was removed by hand and built anew: the node says so, and is not started."""
    home, template = tmp_path / "home", built(own)
    home.mkdir()
    (home / "snapshots").symlink_to(paths.snapshots())
    record = json.loads((template / "template.json").read_text())
    copy = copied(template, home / "templates")
    own.env["FAMULUS_HOME"] = str(home)
    own.ok("up", "1", "--pool", "64M")
    own.ok("down")
    (copy / "template.json").unlink()
    (copy / "template.json").write_text(json.dumps({**record, "id": "another build"}))
    own.fails("up", code=1, says="was made anew since")
    assert (home / "fabrics" / own.fabric / "node1" / "disk.qcow2").exists()
    assert own.states() == ["stopped"]


@pytest.mark.parametrize("file", ["ram", "state"], ids=["early", "late"])
@pytest.mark.parametrize("has_base", [False, True])
def test_up_goes_on_after_an_up_killed_while_it_made_a_snapshot(
    own: Cli, file: str, has_base: bool
) -> None:
    """`ram` is there from the start of the machine that is frozen, `state` from the freezing on."""
    if has_base:
        own.ok("up", "1", "--pool", "256M")  # the base is there, now at the latest
        own.ok("down", "--purge")
    early = file == "ram"
    words = ["up", "1", "--pool", "512M" if early else "1G"]
    if not has_base:
        words += ["--memory", "304M" if early else "308M"]
    process = own.start(*words)
    with halted_when(process, lambda: list(paths.snapshots().glob(f".building-*/{file}"))):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    own.ok(*words)
    assert own.node(1, "hostname") == "fabric1"
    assert list(paths.snapshots().glob(".building-*")) == []
    tokens = [arguments for _, arguments in all_processes()]
    ours = os.fsencode(paths.snapshots())  # other workers make snapshots at the same time
    assert not any(b"famulus-snapshot" in token and ours in token for token in tokens)


def test_no_room_for_a_snapshot_is_an_error(own: Cli, tmp_path: Path) -> None:
    """The folder of the snapshots has 64 MiB: the error comes before anything starts."""
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


def test_clones_share_a_pool_of_64_gib_and_have_two_cpus(own: Cli, shared_home: Path) -> None:
    own.env["FAMULUS_HOME"] = str(shared_home)  # other tests use its base with two CPUs, too
    own.ok("up", "2", "--pool", "64G", "--cpus", "2")
    assert own.node(1, "nproc") == "2"
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


def test_a_home_may_be_copied_and_moved(own: Cli, three: Cli, tmp_path: Path) -> None:
    """Snapshots of the copy are whole, and a node boots from its disk in the new place."""
    home = tmp_path / "copy"
    copied(built(own), home / "templates")
    copied(snapshot_folder(three, 64), home / "snapshots")
    own.env["FAMULUS_HOME"] = str(home)
    assert "snapshot:" not in up_in_words(own)
    own.node(1, "echo precious > mine; sync")
    own.ok("down")
    moved = home.rename(tmp_path / "moved to here")
    own.env["FAMULUS_HOME"] = str(moved)
    own.ok("up")
    assert own.node(1, "cat mine") == "precious"
    own.ok("down")
    as_of_release_0_1_0(moved / "fabrics" / own.fabric / "node1" / "disk.qcow2", home)
    moved.rename(home)
    own.env["FAMULUS_HOME"] = str(home)
    assert "snapshot:" not in up_in_words(own)
    assert own.node(1, "cat mine") == "precious"


def up_in_words(cli: Cli) -> str:
    result = cli.run("up", "1", "--pool", "64M")
    assert result.returncode == 0, result.stderr
    return result.stderr


def as_of_release_0_1_0(disk: Path, elsewhere: Path) -> None:
    """Have the disk and the snapshot below it name their bases in `elsewhere`, absolutely."""
    for image, kind in ((disk, "qcow2"), (backing_chain(disk)[0][0], "raw")):
        image.chmod(0o600)
        gone = elsewhere / "gone" / f"disk.{kind}"
        argv = ["qemu-img", "rebase", "-u", "-F", kind, "-b", str(gone), str(image)]
        subprocess.run(argv, check=True)
    record = json.loads((image.parent / "snapshot.json").read_text())
    record["sums"] = sums_of(image.parent, tuple(record["sums"]))
    (image.parent / "snapshot.json").write_text(json.dumps(record))


# `up` with a shorter timeout for the boot.
IMPATIENT = """
from famulus.__main__ import main
from famulus.fabric import start
start.BOOT_TIMEOUT = 20.0
main()
"""


def test_an_agent_that_does_not_answer_is_an_error(own: Cli) -> None:
    """The error names the node and shows its log. Nodes of this `up` are gone, others run on."""
    own.ok("up", "1", "--pool", "64M")
    own.node(1, "sudo systemctl stop famulus-agent")
    result = own.command([sys.executable, "-c", IMPATIENT, "up", "2"])
    assert result.returncode == 1
    assert "fabric1: no answer from the node's agent within 20 s" in result.stderr
    assert "[cloned from the snapshot" in result.stderr
    assert own.states() == ["running"]
    assert own.node(1, "hostname") == "fabric1"
