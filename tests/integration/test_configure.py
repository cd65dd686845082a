# SPDX-License-Identifier: GPL-2.0-or-later
"""The way of 2016: artifacts that need nothing of Famulus, made and run in namespaces."""

import os
import re
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.base.paths import fabrics
from famulus.export.script import Nodes
from tests.integration.cli import Cli
from tests.integration.namespace import Namespace, NamespaceCli, UserCli, namespace
from tests.integration.templates import built, text
from tests.integration.users import be_user, make_environment, normal_user
from tests.integration.waits import halted_when, wait
from tests.places import ROOT, open_to_others

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make namespaces and run libvirtd"),
]

MADE = {
    "fabric1.qcow2",
    "fabric2.qcow2",
    "fabric_emulation.bash",
    "fabric_emulation.log",
    "fabric_template.img",
    "fabric_template.tar",
}
# `configure` writes there on the host; here the files end with the namespaces.
_CHANGED = "/etc/qemu /etc/sudoers.d /usr/lib/qemu /var/lib/dpkg"
_COVER = """
set -e
mkdir -p /etc/qemu
for folder in {changed}; do
    over=/run/over$folder
    mkdir -p $over/upper $over/work
    mount -t overlay -o lowerdir=$folder,upperdir=$over/upper,workdir=$over/work none $folder
done
mount -t tmpfs none /dev/net  # udev opens /dev/net/tun to all users; the host may lack udev
mknod -m 666 /dev/net/tun c 10 200
"""
_FRESH = "rm -f /etc/qemu/bridge.conf /dev/shm/*; chmod 755 /usr/lib/qemu/qemu-bridge-helper"
_HELLO = "make -s hello_fabric hello_fabric_read && sudo ./hello_fabric"


class Art:
    """A folder of artifacts, and the programs that use the artifacts."""

    def __init__(self, space: Namespace, folder: Path) -> None:
        self.space = space
        self.folder = folder
        self.cli = NamespaceCli("fabric", {"ARTDIR": str(folder)}, namespace=space)
        mark = Nodes.mark_of(folder)
        self.keys = fabrics() / f"artdir-{mark}"
        self.run_folder = Path("/run") / f"fabric_emulation-{mark}"

    def forget_keys(self) -> None:
        shutil.rmtree(self.keys, ignore_errors=True)

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}

    def script(self, *words: str) -> str:
        env = "XDG_RUNTIME_DIR=/run"
        return self.space.run("env", env, str(self.folder / "fabric_emulation.bash"), *words)

    def ssh(self, host: str, command: str, *, check: bool = True) -> str:
        key = str(self.keys / "id_ed25519")
        known = "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR"
        user = f"fabric@{host}"
        return self.space.run("ssh", "-F", "none", "-i", key, *known, user, command, check=check)

    def wait_for_login(self, number: int) -> None:
        wait(lambda: "login:" in self.serial(number), lambda: self.serial(number)[-3000:])

    def wait_for_ssh(self, number: int) -> None:
        """The login prompt may come before the node has its address."""
        host = f"192.168.42.{number}"
        up = lambda: self.ssh(host, "echo up", check=False) == "up"  # noqa: E731
        wait(up, lambda: self.serial(number)[-3000:])

    def serial(self, number: int) -> str:
        return self.space.run("cat", f"{self.run_folder}/fabric{number}.log", check=False)


@pytest.fixture(scope="module")
def space() -> Iterator[Namespace]:
    built(Cli("fabric"))  # the namespaces have no way to a mirror
    with namespace() as made:
        made.run("sh", "-c", _COVER.format(changed=_CHANGED))
        made.run("sh", "-c", _FRESH)
        made.start_libvirt()
        yield made


@pytest.fixture(scope="module")
def art(space: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Art]:
    """Artifacts of two nodes, made by the ancestor's command line."""
    made = Art(space, tmp_path_factory.mktemp("art"))
    argv = space.enter(str(ROOT / "emulation_configure.bash"), "2", "--yes")
    done = made.cli.command(argv)
    assert done.returncode == 0, done.stderr
    yield made
    made.forget_keys()


def test_the_artifacts_are_exactly_those_of_2016(art: Art) -> None:
    assert art.names() == MADE
    for number in (1, 2):
        disk = str(art.folder / f"fabric{number}.qcow2")
        shown = subprocess.check_output(["qemu-img", "info", disk], text=True)
        assert "file format: qcow2" in shown
        assert "backing file" not in shown
        subprocess.run(["qemu-img", "check", "-q", disk], check=True)
    image = (art.folder / "fabric_template.img").stat()
    assert image.st_size == 8 << 30
    assert image.st_blocks * 512 < 2 << 30
    with tarfile.open(art.folder / "fabric_template.tar") as archive:
        assert archive.getmember("./home/fabric/hello_fabric.c").uid == 1000
        hostname = archive.extractfile("./etc/hostname")
        assert hostname
        assert hostname.read() == b"localhost\n"
    assert "qemu-img convert" in text(art.folder / "fabric_emulation.log")


def test_the_host_is_ready(art: Art) -> None:
    assert art.space.run("cat", "/etc/qemu/bridge.conf") == "allow fabric_emul"
    assert art.space.run("stat", "-c", "%A", "/usr/lib/qemu/qemu-bridge-helper") == "-rwsr-xr-x"
    network = art.space.virsh("net-dumpxml", "fabric_emul")
    assert "<ip address='192.168.42.254' netmask='255.255.255.0'>" in network
    assert "<host mac='52:54:48:50:45:02' name='fabric2' ip='192.168.42.2'/>" in network
    assert re.search(r"Autostart: +yes", art.space.virsh("net-info", "fabric_emul"))


def test_the_script_runs_nodes_that_share_memory(art: Art) -> None:
    started = art.script()
    assert "fabric2 starts, with the address 192.168.42.2" in started
    assert art.script("2") == "fabric2 runs already"
    for number in (1, 2):
        art.wait_for_login(number)
        art.wait_for_ssh(number)
    art.space.ask_names_of("192.168.42.254")
    assert art.ssh("192.168.42.1", "hostname; cat /etc/resolv.conf").splitlines() == [
        "fabric1",
        "nameserver 192.168.42.254",
    ]
    assert art.ssh("fabric2", "hostname") == "fabric2"
    assert "Inter-VM shared memory" in art.ssh("fabric1", "lspci -s 00:04.0")
    assert art.ssh("fabric1", "ssh fabric2 hostname && ping -c 1 -W 5 vmhost").startswith("fabric2")
    art.ssh("fabric1", _HELLO)
    assert "Hello from fabric1" in art.ssh("fabric2", f"{_HELLO}_read")
    assert "Hello from fabric1" in art.space.run("head", "-c", "80", "/dev/shm/fabric_em")
    before = (art.folder / "fabric1.qcow2").stat().st_ino
    art.cli.fails("configure", "2", "--yes", code=1, says="a machine runs on")
    assert (art.folder / "fabric1.qcow2").stat().st_ino == before
    assert art.script("stop").splitlines() == ["fabric1 is off", "fabric2 is off"]
    assert not [line for line in art.space.processes() if "fabric1.qcow2" in line]


def test_a_disk_boots_without_options(art: Art, tmp_path: Path) -> None:
    """QEMU gets the disk's name alone: a plain PC of 128 MiB. The other options let us watch."""
    serial = tmp_path / "serial.log"
    watch = ["-display", "none", "-serial", f"file:{serial}", "-snapshot"]
    argv = ["qemu-system-x86_64", str(art.folder / "fabric1.qcow2"), *watch]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as qemu:
        try:
            wait(lambda: "fabric1 login:" in text(serial), lambda: text(serial)[-3000:])
        finally:
            qemu.kill()


def test_an_exported_document_can_be_defined(space: Namespace, art: Art, tmp_path: Path) -> None:
    document = str(tmp_path / "node.xml")
    art.cli.ok("export", "template", "--format", "libvirt-xml", "-o", document)
    space.run("virt-xml-validate", document, "domain")
    space.virsh("define", document)
    assert str(tmp_path / "node.qcow2") in space.virsh("domblklist", "fabric_template")
    space.virsh("undefine", "fabric_template")


def test_without_a_terminal_the_answer_is_no(art: Art) -> None:
    inode = (art.folder / "fabric1.qcow2").stat().st_ino
    shown = art.cli.fails("configure", "2", code=1, says="nothing was done")
    assert "Re-use existing" in shown
    assert (art.folder / "fabric1.qcow2").stat().st_ino == inode
    assert art.names() == {*MADE, "fabric_emulation.log.previous"}


def test_fewer_nodes_leave_disks_that_only_prune_removes(art: Art) -> None:
    done = art.cli.run("configure", "1", "--yes")
    assert done.returncode == 0, done.stderr
    assert "left over from before: fabric2.qcow2" in done.stderr
    assert "fabric2.qcow2" in art.names()
    done = art.cli.run("configure", "1", "--reuse", "--yes", "--prune")
    assert "removed fabric2.qcow2" in done.stderr
    assert "fabric2.qcow2" not in art.names()


def test_a_run_after_a_killed_run_succeeds(art: Art) -> None:
    before = art.names()
    with art.cli.start("configure", "2", "--yes") as process:
        workshop = art.folder / ".fabric_emulation.new"
        with halted_when(process, (workshop / "work.img").exists):
            busy = "another `famulus configure` is at"
            art.cli.fails("configure", "2", "--yes", code=1, says=busy)
            os.killpg(process.pid, signal.SIGKILL)
    assert art.names() - before <= {".fabric_emulation.new", "fabric_emulation.log.previous"}
    assert str(art.folder) not in art.space.run("cat", "/proc/mounts")
    assert art.space.run("losetup", "--list", "--noheadings") == ""
    art.cli.ok("configure", "2", "--yes")
    assert art.names() == {*MADE, "fabric_emulation.log.previous"}


@pytest.mark.usefixtures("art")
def test_a_failure_undoes_the_network(space: Namespace, tmp_path: Path) -> None:
    """A folder has the script's name: the failure comes at the very end."""
    other = Art(space, tmp_path)
    other.cli.fabric = "undone"
    (tmp_path / "fabric_emulation.bash").mkdir()
    words = ("configure", "1", "--yes", "--subnet", "192.168.77.0/24")
    other.cli.fails(*words, code=1, says="cannot write into")
    assert "fabric_emul-undone" not in space.virsh("net-list", "--all")
    assert other.names() == {"fabric_emulation.bash", "fabric_emulation.log"}
    other.forget_keys()


def test_a_missing_or_small_folder_is_refused(space: Namespace, art: Art, tmp_path: Path) -> None:
    missing = ("--artdir", str(tmp_path / "missing"))
    art.cli.fails("configure", "1", *missing, code=1, says="there is no folder")
    small = tmp_path / "small"
    small.mkdir()
    space.run("mount", "-t", "tmpfs", "-o", "size=64m", "none", str(small))
    shown = art.cli.fails("configure", "1", "--artdir", str(small), code=1, says="has 64 MiB free")
    assert "ARTDIR" in shown


@pytest.fixture
def user(space: Namespace, tmp_path: Path) -> Iterator[UserCli]:
    """A normal user with sudo and the template, who may not use libvirt."""
    name = f"famulus-c{os.getpid() % 10000}"
    template = built(Cli("fabric"))
    with normal_user(name) as home:
        own = home / "famulus" / "templates" / template.name
        argv = ["cp", "--recursive", "--sparse=always", "--target-directory", str(own.parent)]
        own.parent.mkdir(parents=True)
        subprocess.run([*argv, str(template)], check=True)
        subprocess.run(["chown", "-R", f"{name}:", str(home)], check=True)
        env = {"HOME": str(home), "USER": name, "FAMULUS_HOME": str(home / "famulus")}
        python = str(make_environment(tmp_path / "venv"))
        cli = UserCli("fabric", env, home, namespace=space, user=name, python=python)
        open_to_others(tmp_path)
        if subprocess.run(
            [*be_user(name), "ls", ROOT], check=False, capture_output=True
        ).returncode:
            pytest.skip(f"{ROOT} is in a private folder: no normal user can run famulus there")
        cli.ok("--version")
        space.run("chmod", "770", "/run/libvirt/libvirt-sock")  # Debian's own mode
        space.run("sh", "-c", f"echo '{name} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/tests")
        space.run("sh", "-c", _FRESH)
        yield cli
        space.run("sh", "-c", f"kill -9 $(ps -u {name} -o pid=)", check=False)


def test_a_normal_user_with_sudo_gets_artifacts(space: Namespace, user: UserCli) -> None:
    folder = Path(user.env["HOME"]) / "art"
    subprocess.run(["install", "-d", "-o", user.user, str(folder)], check=True)
    user.env["ARTDIR"] = str(folder)
    done = user.run("configure", "1", "--yes")
    assert done.returncode == 0, done.stderr
    for change in ("create the network fabric_emul", "allow fabric_emul in", "make /usr/lib/qemu"):
        assert f"note: to {change}" in done.stderr
    assert all(path.stat().st_uid == folder.stat().st_uid for path in folder.iterdir())
    script = space.enter(
        *be_user(user.user),
        "env",
        f"XDG_RUNTIME_DIR={folder}",
        str(folder / "fabric_emulation.bash"),
    )
    started = user.command(script)
    assert started.returncode == 0, started.stderr
    assert "fabric1 starts, with the address 192.168.42.1" in started.stdout
    stopped = user.command([*script, "stop"])  # while the node boots
    assert stopped.stdout == "fabric1 is off\n", stopped.stderr


def test_a_user_whom_sudo_refuses_is_told_the_command(space: Namespace, user: UserCli) -> None:
    space.run("rm", "/etc/sudoers.d/tests")
    folder = Path(user.env["HOME"])
    user.env["ARTDIR"] = str(folder)
    shown = user.fails("configure", "1", "--yes", code=1, says="root is needed, and sudo refuses")
    assert "network create 1 --subnet 192.168.42.0/24" in shown
    assert not list(folder.glob("*.qcow2"))


@pytest.mark.parametrize("number", ["0", "65", "x", "1.5"])
def test_a_wrong_number_of_nodes_is_refused(art: Art, number: str) -> None:
    art.cli.fails("configure", number, code=2, says="nodes: must be a whole number from 1 to 64")


def test_the_ancestors_usage_is_printed() -> None:
    script = str(ROOT / "emulation_configure.bash")
    done = subprocess.run([script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: emulation_configure.bash [ -h ] VMcount\n")
    assert "ARTDIR, MIRROR, PROXY" in subprocess.check_output([script, "-h"], text=True)
