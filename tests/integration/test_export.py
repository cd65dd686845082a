# SPDX-License-Identifier: GPL-2.0-or-later
"""Real exports: a node's disk boots alone, and its tar is a root for `chroot`.

All tests share one fabric of one node. A fixture brings the node into the state that a test needs.
"""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from famulus.base.units import MIB
from famulus.export.image.debugfs import OFFSET
from famulus.export.image.tree import Contents, walk
from famulus.state.folder import FabricFolder
from tests.integration.cli import TIMEOUT, Cli
from tests.integration.templates import free_port
from tests.integration.waits import halted_when, wait

pytestmark = pytest.mark.integration

MINE = "written in the node"
Facts = dict[bytes, tuple[int, int, int, bytes]]
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder that is removed after the test: pytest keeps those of the last runs, gigabytes."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def fabric() -> Iterator[Cli]:
    """A fabric of one cloned node, with a file that a user wrote."""
    cli = Cli(f"x{os.getpid()}")
    try:
        cli.ok("up", "1", "--pool", "64M")
        cli.node(1, f"echo {MINE} > mine && ln mine too && sync")
        yield cli
    finally:
        cli.purge()


@pytest.fixture
def running(fabric: Cli) -> Cli:
    fabric.ok("up", "1")
    return fabric


@pytest.fixture
def stopped(fabric: Cli) -> Cli:
    if fabric.states() != ["stopped"]:
        fabric.ok("node", "stop", "1")
    return fabric


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def export(cli: Cli, folder: Path, *words: str) -> Path:
    """Export into `folder`, check that nothing but the file is there, and return the file."""
    path = Path(cli.ok("export", *words, "-o", str(folder)).strip())
    assert files(folder) == [path.name]
    return path


def program(*argv: str | Path) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


def check_file_system(raw: Path, tmp_path: Path) -> None:
    """Check that e2fsck finds nothing to repair in the partition."""
    part = tmp_path / "partition"
    program("dd", f"if={raw}", f"of={part}", "bs=1M", f"skip={OFFSET // MIB}", "conv=sparse")
    program("e2fsck", "-f", "-n", part)
    part.unlink()


def digest(pieces: Iterator[bytes]) -> bytes:
    sum_ = hashlib.sha256()
    for piece in pieces:
        sum_.update(piece)
    return sum_.digest()


def disk_facts(raw: Path) -> Facts:
    """Return mode, owners and content of each file in a disk."""
    found: Facts = {}
    with Contents(raw) as contents:
        for path, inode in ((entry.path, entry.inode) for entry in walk(raw)):
            regular = stat.S_ISREG(inode.mode)
            content = digest(contents.pieces(inode)) if regular else b""
            found[path] = (inode.mode, inode.uid, inode.gid, content)
    return found


def tar_facts(tar: Path) -> Facts:
    """Return mode, owners and content of each file in a tar, as Python reads it."""
    kinds = {
        tarfile.DIRTYPE: stat.S_IFDIR,
        tarfile.SYMTYPE: stat.S_IFLNK,
        tarfile.CHRTYPE: stat.S_IFCHR,
        tarfile.BLKTYPE: stat.S_IFBLK,
        tarfile.FIFOTYPE: stat.S_IFIFO,
    }
    found: Facts = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() or member.islnk() else None
            content = digest(iter(partial(file.read, MIB), b"")) if file else b""
            mode = kinds.get(member.type, stat.S_IFREG) | member.mode
            path = os.fsencode(member.name).removeprefix(b".").removeprefix(b"/")
            found[path] = (mode, member.uid, member.gid, content)
    return found


def test_a_running_node_is_refused(running: Cli, tmp_path: Path) -> None:
    shown = running.fails("export", "1", "-o", str(tmp_path), code=1, says="fabric1 is running")
    assert "`famulus node stop 1` first" in shown
    assert files(tmp_path) == []


def test_qcow2_boots_on_a_plain_pc(stopped: Cli, tmp_path: Path) -> None:
    """The machine has the name, the files and the keys of the node."""
    disk = export(stopped, tmp_path, "1")
    assert disk.name == "fabric1.qcow2"
    info = json.loads(program("qemu-img", "info", "--output=json", disk))
    assert info["format"] == "qcow2"
    assert "backing-filename" not in info
    program("qemu-img", "check", disk)
    serial, port = tmp_path / "serial.log", free_port()
    argv = [
        "qemu-system-x86_64", str(disk),
        "-snapshot",
        "-display", "none",
        "-serial", f"file:{serial}",
        "-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{port}-:22",
    ]  # fmt: skip
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as qemu:
        try:
            wait(lambda: "fabric1 login:" in text(serial), lambda: text(serial)[-3000:])
            assert "FAILED" not in text(serial)
            ssh = ssh_command(stopped.fabric, port)
            wait(lambda: succeeds(*ssh, "true"), lambda: text(serial)[-3000:])
            assert program(*ssh, "hostname; cat mine").split("\n") == ["fabric1", MINE, ""]
            assert program(*ssh, "sudo systemctl --failed --no-legend --plain") == ""
            # The machine resolves its own name and reaches the gateway of QEMU's network.
            assert "127.0.1.1" in program(*ssh, "getent hosts fabric1")
            program(*ssh, "ping -c 1 -W 30 10.0.2.2")
        finally:
            qemu.kill()


def ssh_command(fabric: str, port: int) -> list[str]:
    """Return ssh with the fabric's keys and with its list of known hosts."""
    folder = FabricFolder(fabric).path
    return [
        "ssh",
        "-F", "none",
        "-p", str(port),
        "-i", str(folder / "id_ed25519"),
        "-o", "BatchMode=yes",
        "-o", "ConnectTimeout=30",
        "-o", "StrictHostKeyChecking=yes",
        "-o", "HostKeyAlias=fabric1",
        "-o", f"UserKnownHostsFile={folder / 'known_hosts'}",
        "fabric@127.0.0.1",
    ]  # fmt: skip


def succeeds(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False, timeout=TIMEOUT).returncode == 0


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def test_all_formats_have_the_same_files(stopped: Cli, tmp_path: Path) -> None:
    made = {}
    for name in ("qcow2", "raw", "tar"):
        (tmp_path / name).mkdir()
        made[name] = export(stopped, tmp_path / name, "1", "--format", name)
    # Images of two exports differ: each contains the time of its making.
    converted = tmp_path / "converted.img"
    program("qemu-img", "convert", "-f", "qcow2", "-O", "raw", made["qcow2"], converted)
    program("qemu-img", "compare", "-f", "qcow2", "-F", "raw", made["qcow2"], converted)
    found = disk_facts(made["raw"])
    assert len(found) > 10_000
    assert disk_facts(converted) == found
    sockets = {path for path, facts in found.items() if stat.S_ISSOCK(facts[0])}
    expected = {path: facts for path, facts in found.items() if path not in sockets}
    packed = tar_facts(made["tar"])
    assert packed.keys() == expected.keys()
    assert [path for path, facts in packed.items() if facts != expected[path]] == []
    check_file_system(made["raw"], tmp_path)


@only_root
def test_tar_is_a_root_for_chroot(stopped: Cli, tmp_path: Path) -> None:
    tar = export(stopped, tmp_path, "1", "--format", "tar")
    listed = program("tar", "--list", "--verbose", "--numeric-owner", "--file", tar)
    assert any("1000/1000" in line and "./home/fabric/mine" in line for line in listed.split("\n"))
    root = tmp_path / "root"
    root.mkdir()
    extract = ["tar", "--extract", "--preserve-permissions", "--numeric-owner"]
    extract += ["--xattrs", "--xattrs-include=*", "--file", str(tar), "--directory", str(root)]
    program(*extract)
    inside = ["chroot", str(root)]
    assert program(*inside, "/bin/sh", "-c", "cat /etc/hostname").strip() == "fabric1"
    assert program(*inside, "su", "fabric", "-c", "cat ~/mine").strip() == MINE
    assert (root / "home/fabric/mine").stat().st_nlink == 2
    assert (root / "usr/bin/sudo").stat().st_mode & stat.S_ISUID
    # The template leaves documentation out. Each file that is there equals the package's file.
    verified = subprocess.run(
        [*inside, "dpkg", "--verify"], capture_output=True, text=True, check=False
    )
    changed = [line for line in verified.stdout.splitlines() if not line.startswith("missing")]
    assert changed == []
    assert program(*inside, "dpkg-query", "--show", "systemd").startswith("systemd")


@pytest.mark.parametrize("name", ["tar", "qcow2"])
def test_the_template_is_exported(fabric: Cli, tmp_path: Path, name: str) -> None:
    path = export(fabric, tmp_path, "template", "--format", name)
    assert path.name == f"fabric_template.{name}"
    if name == "tar":
        with tarfile.open(path) as archive:
            hosts = archive.extractfile("./etc/resolv.conf")
            assert hosts
            assert b"nameserver 10.0.2.3\n" in hosts.read()
            assert "./home/fabric/mine" not in archive.getnames()
    else:
        program("qemu-img", "check", path)
        assert "backing" not in program("qemu-img", "info", path)


half_way = pytest.mark.parametrize(
    ("name", "pattern"), [("qcow2", "*disk.img*"), ("tar", "*result*")], ids=["copying", "writing"]
)


def written(folder: Path, pattern: str) -> bool:
    """Tell whether the export into `folder` has written a part of a file like `pattern`."""
    return any(path.stat().st_size for path in folder.glob(f".famulus-export-*/{pattern}"))


@half_way
def test_a_killed_export_leaves_no_file(
    stopped: Cli, tmp_path: Path, name: str, pattern: str
) -> None:
    process = stopped.start("export", "1", "--format", name, "-o", str(tmp_path))
    with halted_when(process, lambda: written(tmp_path, pattern)):
        process.kill()
    process.wait()
    assert [path for path in files(tmp_path) if path[0] != "."] == []
    export(stopped, tmp_path, "1", "--format", name)  # and removes the rest of the killed export


@half_way
def test_an_interrupted_export_leaves_nothing(
    stopped: Cli, tmp_path: Path, name: str, pattern: str
) -> None:
    process = stopped.start("export", "1", "--format", name, "-o", str(tmp_path))
    with halted_when(process, lambda: written(tmp_path, pattern)):
        os.killpg(process.pid, signal.SIGINT)
    process.wait(TIMEOUT)
    assert process.returncode == 128 + signal.SIGINT
    assert process.stdout
    shown = process.stdout.read()
    assert "interrupted" in shown
    assert "Traceback" not in shown
    assert files(tmp_path) == []


@only_root
def test_a_full_disk_is_one_error(stopped: Cli, tmp_path: Path) -> None:
    program("mount", "-t", "tmpfs", "-o", "size=64m", "none", tmp_path)
    try:
        for source in ("1", "template"):
            shown = stopped.fails(
                "export", source, "-o", str(tmp_path), code=1, says="no space left"
            )
            assert "are needed, 64 MiB are free" in shown
            assert "write to a folder on a larger disk" in shown
            assert files(tmp_path) == []
    finally:
        program("umount", tmp_path)


def test_a_killed_node_exports_all_synced_files(running: Cli, tmp_path: Path) -> None:
    """The file system's journal was never replayed; a synced file is there all the same."""
    running.node(1, "echo late > late && sync late")
    running.ok("node", "kill", "1")
    raw = export(running, tmp_path, "1", "--format", "raw")
    check_file_system(raw, tmp_path)
    found = disk_facts(raw)
    assert found[b"home/fabric/late"][3] == hashlib.sha256(b"late\n").digest()
