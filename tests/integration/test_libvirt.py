# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes as libvirt's domains on its bridged network, in a libvirt of the tests' own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from famulus.backend.libvirt.network import LibvirtNetwork, network_name
from famulus.base.waiting import wait_until
from tests.integration.cli import Cli
from tests.integration.namespace import Namespace, NamespaceCli, UserCli, namespace
from tests.integration.templates import built
from tests.integration.users import make_environment, normal_user

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make namespaces with a libvirt"),
]

TIMEOUT = 400.0  # seconds for a boot under TCG on a busy host
UP = ("--network", "libvirt", "--pool", "64M")


@pytest.fixture(scope="module")
def host() -> Iterator[Namespace]:
    """A host with a libvirt that has neither domains nor networks."""
    with namespace() as made:
        made.start_libvirt()
        made.ask_names_of("192.168.42.254")
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FAMULUS_HOME with everybody's templates only."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "templates").symlink_to(
        built(Cli("fabric")).parent
    )  # the namespaces have no way to a mirror
    return folder


def fabric_in(host: Namespace, home: Path, name: str) -> NamespaceCli:
    return NamespaceCli(name, {"FAMULUS_HOME": str(home)}, namespace=host)


@pytest.fixture(scope="module")
def made(host: Namespace, home: Path) -> NamespaceCli:
    """The default fabric of two nodes."""
    cli = fabric_in(host, home, "fabric")
    cli.ok("up", "2", *UP)
    return cli


@pytest.fixture
def two(made: NamespaceCli) -> NamespaceCli:
    """The default fabric, brought up again if the test before has ended nodes."""
    made.ok("up", "2", *UP)
    return made


@pytest.fixture
def other(host: Namespace, home: Path) -> Iterator[NamespaceCli]:
    """A second fabric on the same host, removed afterwards."""
    cli = fabric_in(host, home, "other")
    yield cli
    cli.purge()


@pytest.fixture
def ann(host: Namespace) -> Iterator[UserCli]:
    """The fabric `ann` of a normal user, removed afterwards."""
    user = f"famulus-l{os.getpid() % 10000}"
    with normal_user(user) as folder:
        own = folder / "famulus"
        templates = own / "templates"
        templates.mkdir(parents=True)
        # Only this template: another test may build one beside it, and a build's files vanish.
        copy = ["cp", "--recursive", "--sparse=always", "--target-directory", str(templates)]
        subprocess.run([*copy, built(Cli("fabric"))], check=True)
        python = make_environment(folder / "python")
        subprocess.run(["chown", "--recursive", f"{user}:", folder], check=True)
        env = {"FAMULUS_HOME": str(own), "HOME": str(folder), "USER": user}
        cli = UserCli("ann", env, folder, namespace=host, user=user, python=str(python))
        try:
            yield cli
        finally:
            cli.purge()


def up_fails(cli: NamespaceCli, says: str, hint: str, *words: str) -> None:
    """Check that `up` ends with one error and its cure, and leaves nothing."""
    shown = cli.fails("up", "1", *UP, *words, code=1, says=says)
    assert shown.count("error:") == 1
    assert hint in shown
    assert "there is no fabric" in cli.fails("status", code=1, says="error")


def own_ssh(cli: NamespaceCli, destination: str, *options: str) -> str:
    """Return the output of `hostname` over a plain ssh that has the keys of famulus only."""
    folder = Path(cli.env["FAMULUS_HOME"], "fabrics", "fabric")
    argv = ["ssh", "-F", "none", "-i", f"{folder}/id_ed25519", "-o", "BatchMode=yes"]
    argv += ["-o", f"UserKnownHostsFile={folder}/known_hosts", *options]
    return cli.namespace.run(*argv, f"fabric@{destination}", "hostname")


def boot_id(cli: NamespaceCli, number: int) -> str:
    return cli.node(number, "cat /proc/sys/kernel/random/boot_id")


def test_nodes_are_domains_and_their_network_is_libvirts(two: NamespaceCli) -> None:
    virsh = two.namespace.virsh
    assert sorted(virsh("list", "--name").split()) == ["fabric1", "fabric2"]
    assert virsh("net-list", "--name").split() == ["fabric_emul"]
    ping = ("qemu-agent-command", "fabric1", '{"execute":"guest-ping"}')
    wait_until(
        "QEMU's agent", lambda: virsh(*ping, check=False) == '{"return":{}}', timeout=TIMEOUT
    )
    status = two.status()
    assert status["network"] == "running"
    assert [node["ssh_port"] for node in status["nodes"]] == [22, 22]
    assert all(node["pid"] for node in status["nodes"])
    assert "fabric_emul  fabric  192.168.42.254" in two.ok("network", "list")


@pytest.mark.parametrize("number", [1, 2])
def test_the_host_reaches_nodes_by_address_and_by_name(two: NamespaceCli, number: int) -> None:
    name = f"fabric{number}"
    assert own_ssh(two, name) == name
    assert own_ssh(two, f"192.168.42.{number}", "-o", f"HostKeyAlias={name}") == name


def test_nodes_reach_each_other_and_the_host_by_name(two: NamespaceCli) -> None:
    assert two.node(1, "ssh -o BatchMode=yes fabric2 hostname") == "fabric2"
    assert two.node(2, "getent -s dns ahostsv4 fabric1").startswith("192.168.42.1 ")
    assert "0% packet loss" in two.node(2, "ping -c 1 -W 30 vmhost")


def test_memory_is_shared_at_the_same_place_as_on_the_rootless_network(two: NamespaceCli) -> None:
    assert "Inter-VM shared memory" in two.node(1, "lspci -s 0000:00:04.0")
    assert "All three agree" in two.ok("demo")
    two.ok("pool", "write", "0", "Hello from the host")
    seen = two.node(1, "make -s hello_fabric_read && sudo ./hello_fabric_read")
    assert seen.startswith("Hello from the host")


def test_the_console_logs_in_and_the_log_shows_the_login(two: NamespaceCli) -> None:
    assert two.log_in_on_console() == 0
    assert "fabric1 login: " in two.ok("log", "1")


def test_the_fabric_grows_while_its_network_runs_on(two: NamespaceCli) -> None:
    host = two.namespace
    before = host.run("cat", "/run/libvirt/network/fabric_emul.pid")
    boots = [boot_id(two, number) for number in (1, 2)]
    two.ok("up", "3")
    assert two.states() == ["running"] * 3
    assert host.run("cat", "/run/libvirt/network/fabric_emul.pid") == before
    assert [boot_id(two, number) for number in (1, 2)] == boots
    assert two.node(1, "ssh -o BatchMode=yes fabric3 hostname") == "fabric3"
    assert own_ssh(two, "fabric3") == "fabric3"
    two.ok("up", "2")
    assert sorted(host.virsh("list", "--name").split()) == ["fabric1", "fabric2"]


def test_virsh_shuts_down_starts_and_reboots_nodes(two: NamespaceCli) -> None:
    virsh = two.namespace.virsh
    two.node(2, "echo kept > kept; sync")
    virsh("shutdown", "fabric2")
    wait_until("the end", lambda: two.states() == ["running", "stopped"], timeout=TIMEOUT)
    first = boot_id(two, 1)
    virsh("reboot", "fabric1")
    virsh("start", "fabric2")
    wait_until(
        "fabric2", lambda: two.run("ssh", "2", "--", "true").returncode == 0, timeout=TIMEOUT
    )
    assert two.node(2, "cat kept; hostname") == "kept\nfabric2"

    def rebooted() -> bool:
        shown = two.run("ssh", "1", "--", "cat /proc/sys/kernel/random/boot_id")
        return shown.returncode == 0 and shown.stdout.strip() != first

    wait_until("fabric1", rebooted, timeout=TIMEOUT)


def test_single_nodes_are_paused_killed_started_and_reset(two: NamespaceCli) -> None:
    two.ok("node", "pause", "2")
    assert two.states() == ["running", "paused"]
    assert two.namespace.virsh("domstate", "fabric2") == "paused"
    two.ok("node", "resume", "2")
    two.node(2, "echo written > kept; sync")
    two.ok("node", "kill", "2")
    assert two.states() == ["running", "stopped"]
    two.ok("node", "start", "2")
    assert two.node(2, "cat kept") == "written"
    two.ok("node", "stop", "2")
    two.ok("node", "reset", "2")
    assert two.node(2, "ls kept 2>&1 || true").startswith("ls: cannot access")


def test_a_node_that_starts_with_the_host_makes_the_pool(two: NamespaceCli) -> None:
    """When the host has booted, /dev/shm is empty and famulus has not run yet."""
    host = two.namespace
    two.ok("down")
    host.run("rm", "/dev/shm/fabric_em")
    host.virsh("start", "fabric1")
    wait_until(
        "fabric1", lambda: two.run("ssh", "1", "--", "true").returncode == 0, timeout=TIMEOUT
    )
    two.node(1, "make -s hello_fabric && sudo ./hello_fabric")
    assert two.ok("pool", "read", "0", "18", "--raw") == "Hello from fabric1"
    two.ok("up", "2")
    assert two.ok("pool", "read", "0", "18", "--raw") == "Hello from fabric1"


def test_a_normal_user_has_nodes_too(ann: UserCli) -> None:
    ann.ok("up", "1", *UP, "--subnet", "192.168.44.0/24")
    assert ann.node(1, "hostname") == "fabric1"
    qemu = ann.namespace.run("ps", "-o", "user:30=", "-p", str(ann.status()["nodes"][0]["pid"]))
    assert qemu == ann.user
    ann.ok("node", "stop", "1")
    ann.ok("down", "--purge")
    assert "ann-fabric1" not in ann.namespace.virsh("list", "--all", "--name").split()


def test_a_path_too_long_for_a_socket_is_an_error(other: NamespaceCli, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    templates = Path(other.env["FAMULUS_HOME"], "templates")
    (long / "templates").symlink_to(templates.resolve())
    cli = fabric_in(other.namespace, long, "other")
    up_fails(cli, "is too long for a socket", "FAMULUS_HOME", "--subnet", "192.168.43.0/24")


def test_down_ends_the_nodes_of_a_killed_up(other: NamespaceCli) -> None:
    host = other.namespace
    process = other.start("up", "1", *UP, "--subnet", "192.168.43.0/24")
    began = "other-fabric1"
    wait_until(began, lambda: began in host.virsh("list", "--name").split(), timeout=TIMEOUT)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    other.ok("down")
    assert other.states() == ["stopped"]
    assert began not in host.virsh("list", "--name").split()
    other.ok("down", "--purge")
    assert began not in host.virsh("list", "--all", "--name").split()
    assert "fabric_emul-other" not in host.virsh("net-list", "--all", "--name").split()
    assert host.run("ls", "/dev/shm") in ("", "fabric_em")


def test_somebody_elses_domain_is_left_alone(other: NamespaceCli) -> None:
    host = other.namespace
    domain = "<domain type='qemu'><name>other-fabric1</name><memory>1024</memory>"
    domain += "<os><type>hvm</type></os></domain>"
    host.run("sh", "-c", f'echo "{domain}" >/run/domain.xml')
    host.virsh("define", "/run/domain.xml")
    try:
        hint = "`virsh undefine other-fabric1`"
        words = ("--subnet", "192.168.43.0/24")
        up_fails(other, "has a domain other-fabric1 already", hint, *words)
        assert "fabric_emul-other" not in host.virsh("net-list", "--all", "--name").split()
        assert "other-fabric1" in host.virsh("list", "--all", "--name").split()
    finally:
        host.virsh("undefine", "other-fabric1")


def test_addresses_in_use_are_noticed_and_others_offered(two: NamespaceCli, home: Path) -> None:
    other = fabric_in(two.namespace, home, "other")
    up_fails(other, "192.168.42.0/24 is in use on this host", "--subnet")
    two.namespace.run("ip", "link", "add", "taken", "type", "bridge")
    try:
        two.namespace.run("ip", "address", "add", "192.168.43.7/24", "dev", "taken")
        two.namespace.run("ip", "link", "set", "taken", "up")
        up_fails(other, "by its interface taken", "--subnet", "--subnet", "192.168.43.0/24")
    finally:
        two.namespace.run("ip", "link", "delete", "taken")


def test_an_interface_of_the_bridges_name_is_noticed(other: NamespaceCli) -> None:
    bridge = LibvirtNetwork(network_name("other"), IPv4Network("192.168.43.0/24"), ()).bridge
    other.namespace.run("ip", "link", "add", bridge, "type", "bridge")
    try:
        hint = f"ip link delete {bridge}"
        up_fails(other, f"an interface {bridge} already", hint, "--subnet", "192.168.43.0/24")
    finally:
        other.namespace.run("ip", "link", "delete", bridge)


def test_no_libvirt_is_one_error(home: Path, tmp_path: Path) -> None:
    with namespace() as bare:
        cli = fabric_in(bare, home, "other")
        up_fails(cli, "libvirt does not answer at qemu:///system", "systemctl start libvirtd")
        (tmp_path / "libvirt.py").write_text("raise ImportError\n")
        cli.env["PYTHONPATH"] = str(tmp_path)
        up_fails(cli, "libvirt-python is not installed", "famulus[libvirt]")
        assert bare.processes() == []


def test_namespaces_leave_nothing_when_a_test_fails() -> None:
    used: list[Namespace] = []

    def fail() -> None:
        with namespace() as failing:
            used.append(failing)
            failing.run("sh", "-c", "sleep 1000 >&- 2>&- &")
            wait_until("sleep", lambda: "sleep 1000" in failing.processes(), timeout=TIMEOUT)
            assert failing.processes() == ["something else"]

    with pytest.raises(AssertionError, match="sleep 1000"):
        fail()
    wait_until("the end", lambda: not Path(f"/proc/{used[0].first}").exists(), timeout=TIMEOUT)


def test_an_ended_libvirtd_is_one_error_and_nodes_run_on(two: NamespaceCli) -> None:
    two.namespace.stop_libvirt()
    try:
        for verb in ("up", "status", "down"):
            two.fails(verb, code=1, says="libvirt does not answer at qemu:///system")
    finally:
        two.namespace.start_libvirt()
    assert two.states() == ["running"] * 2


def test_from_libvirts_network_to_the_rootless_one(two: NamespaceCli) -> None:
    two.node(1, "echo kept > kept; sync")
    two.ok("down")
    two.ok("up", "1", "--network", "user")
    assert two.node(1, "cat kept") == "kept"
    assert two.namespace.virsh("list", "--all", "--name") == ""
    two.ok("down")


def test_a_network_without_machines_can_be_removed(two: NamespaceCli) -> None:
    two.fails("network", "remove", code=1, says="2 machines are on the network fabric_emul")
    two.fails("network", "remove", "-f", "none", code=1, says="no network fabric_emul-none")
    two.ok("down")
    two.ok("network", "remove")
    assert two.namespace.virsh("net-list", "--all", "--name") == ""
    assert "fabric2" in two.namespace.virsh("list", "--all", "--name").split()


def test_purge_leaves_nothing(two: NamespaceCli, host: Namespace) -> None:
    two.ok("down", "--purge")
    assert host.virsh("list", "--all", "--name") == ""
    assert host.virsh("net-list", "--all", "--name") == ""
    assert host.run("ls", "/dev/shm") == ""
    assert host.run("ls", "/sys/class/net") == "lo"
    assert [line.split()[0] for line in host.processes()] == ["virtlogd", "libvirtd"]
