# SPDX-License-Identifier: GPL-2.0-or-later
"""Domains and networks of libvirt, on libvirt's test driver, which runs no machine."""

import sys
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from famulus.backend.libvirt import domain, virt
from famulus.backend.libvirt import network as network_module
from famulus.backend.libvirt.backend import LibvirtBackend
from famulus.backend.libvirt.host import check_libvirt
from famulus.backend.libvirt.network import LibvirtNetwork, every_network
from famulus.backend.libvirt.network_document import missing_names, missing_reservations
from famulus.backend.libvirt.runner import DomainRunner
from famulus.base.errors import FamulusError
from famulus.settings.identity import Identity
from famulus.state.folder import FabricFolder

SUBNET = IPv4Network("10.9.8.0/24")
POOL = Path("/dev/shm/fabric_em")
HOST = """
<node>
  <domain type='test'>
    <name>fabric1</name>
    <memory>1024</memory>
    <os><type>hvm</type></os>
  </domain>
</node>
"""


def runner_of(name: str) -> DomainRunner:
    return DomainRunner(name, Path("/nonexistent"), "fabric_emul")


def nodes(number: int) -> tuple[Identity, ...]:
    return tuple(Identity(k, SUBNET) for k in range(1, number + 1))


def network(number: int = 1) -> LibvirtNetwork:
    return LibvirtNetwork("fabric_emul", SUBNET, nodes(number))


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A libvirt with the running machine `fabric1` and no network."""
    file = tmp_path / "host.xml"
    file.write_text(HOST, encoding="utf-8")
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", f"test://{file}")
    yield
    virt._connection.cache_clear()


def test_a_machine_is_paused_resumed_and_killed() -> None:
    runner = runner_of("fabric1")
    assert runner.running()
    assert runner.state() == "running"
    runner.pause()
    assert runner.running()
    assert runner.state() == "paused"
    runner.resume()
    assert runner.state() == "running"
    runner.kill()
    assert not runner.running()
    assert runner.state() == "stopped"
    runner.wait_gone("its end", 0)
    runner.kill()


def test_a_domain_that_libvirt_does_not_know_is_stopped() -> None:
    runner = runner_of("fabric2")
    assert not runner.running()
    assert runner.state() == "stopped"
    assert runner.pid() is None
    runner.kill()
    with pytest.raises(FamulusError, match="libvirt knows no domain fabric2"):
        runner.pause()


@pytest.mark.parametrize(
    ("state", "word"),
    [("BLOCKED", "running"), ("SHUTDOWN", "running"), ("CRASHED", "hung"), ("PMSUSPENDED", "hung")],
)
def test_libvirts_states_have_words(state: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Domain:
        def state(self) -> tuple[int, int]:
            number: int = getattr(virt.library(), f"VIR_DOMAIN_{state}")
            return number, 0

    monkeypatch.setattr(virt, "find", lambda *_: Domain())
    assert runner_of("fabric1").state() == word


def test_a_refusal_has_libvirts_words() -> None:
    runner = runner_of("fabric1")
    runner.kill()
    with pytest.raises(FamulusError, match=r"^libvirt: .*not running"):
        runner.pause()


def test_only_the_domain_of_a_nodes_own_folder_is_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "node1"
    folder.mkdir()
    domain.forget(folder)
    (folder / "domain").write_text("fabric1\n", encoding="utf-8")
    domain.forget(folder)
    assert runner_of("fabric1").running(), "its UUID is not that of the folder"
    uuid = f"<uuid>{domain.domain_uuid(folder)}</uuid>"
    with virt.connected() as connection:
        document = HOST[HOST.index("<domain") : HOST.index("</node>")]
        document = document.replace("fabric1", "fabric2").replace("<memory>", f"{uuid}<memory>")
        connection.defineXML(document)
    (folder / "domain").write_text("fabric2\n", encoding="utf-8")
    domain.forget(folder)
    assert virt.find("domain", "fabric2") is None
    assert not (folder / "domain").exists()


def test_a_network_is_made_extended_and_removed() -> None:
    assert not network().running()
    network().start()
    assert network().running()
    assert virt.find("network", "fabric_emul").autostart()  # type: ignore[union-attr]
    network(3).start()
    document = virt.find("network", "fabric_emul").XMLDesc()  # type: ignore[union-attr]
    assert missing_reservations(document, nodes(3)) == []
    assert missing_names(document, nodes(3)) == []
    listed = every_network()
    assert [(one.name, one.fabric, one.active) for one in listed] == [
        ("fabric_emul", "fabric", True)
    ]
    assert listed[0].address == "10.9.8.254"
    assert network().remove()
    assert not network().remove()
    assert every_network() == []


def test_start_activates_a_network_and_stop_removes_it() -> None:
    network().start()
    virt.find("network", "fabric_emul").destroy()  # type: ignore[union-attr]
    assert not network().running()
    network().start()
    assert network().running()
    network().stop()
    assert virt.find("network", "fabric_emul") is None


def test_a_network_with_other_addresses_is_refused() -> None:
    network().start()
    other = LibvirtNetwork("fabric_emul", IPv4Network("10.9.7.0/24"), ())
    with pytest.raises(FamulusError, match=r"has the address 10\.9\.8\.254, not 10\.9\.7\.254"):
        other.start()


@pytest.mark.parametrize(
    ("ports", "says"), [(["vnet0"], "a machine is"), (["vnet0", "vnet1"], "2 machines are")]
)
def test_a_used_network_stays(ports: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network().start()
    monkeypatch.setattr(network_module, "bridge_ports", lambda _: ports)
    with pytest.raises(FamulusError, match=f"{says} on the network fabric_emul"):
        network().remove()
    network().stop()
    assert network().running()


def test_an_error_about_a_conflict_has_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_module, "interface_in_the_way", lambda *_: "eth7")
    with pytest.raises(FamulusError, match=r"10\.9\.8\.0/24 is in use .* eth7") as caught:
        network().start()
    assert "--subnet" in caught.value.hint
    monkeypatch.setattr(network_module, "has_interface", lambda _: True)
    with pytest.raises(FamulusError, match="has an interface fabric_emul already") as caught:
        network().start()
    assert "ip link delete fabric_emul" in caught.value.hint
    assert virt.find("network", "fabric_emul") is None


def test_what_a_start_would_refuse_is_found_before(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = LibvirtBackend(FabricFolder("fabric"), SUBNET)
    (refused,) = [finding for finding in backend.findings(POOL, nodes(2)) if finding.cure]
    assert "a domain fabric1 already" in refused.text
    mine = LibvirtBackend(FabricFolder("mine"), SUBNET)
    assert [finding.level for finding in mine.findings(POOL, nodes(2))] == ["ok"]
    monkeypatch.setattr(network_module, "interface_in_the_way", lambda *_: "eth7")
    assert "is in use" in mine.findings(POOL, ())[-1].text


def test_a_home_too_long_for_the_agents_socket_is_found_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAMULUS_HOME", "/" + "x" * 100)
    mine = LibvirtBackend(FabricFolder("mine"), SUBNET)
    assert "is too long for a socket" in mine.findings(POOL, nodes(1))[-1].text


def test_a_libvirt_that_answers_is_ok() -> None:
    (finding,) = check_libvirt(POOL)
    assert finding.level == "ok"
    assert "version " in finding.text


def test_a_pool_outside_dev_shm_is_refused() -> None:
    finding = check_libvirt(Path("/mnt/pool"))[-1]
    assert finding.level == "error"
    assert "/mnt/pool" in finding.text


def test_a_libvirtd_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "qemu+unix:///system?socket=/nonexistent"
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", uri)
    (finding,) = check_libvirt(POOL)
    assert finding.level == "error"
    assert f"libvirt does not answer at {uri}" in finding.text
    assert "systemctl start libvirtd" in finding.cure


def test_missing_libvirt_python_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    virt.library.cache_clear()
    monkeypatch.setitem(sys.modules, "libvirt", None)
    (finding,) = check_libvirt(POOL)
    assert finding.level == "error"
    assert "libvirt-python is not installed" in finding.text
    assert "famulus[libvirt]" in finding.cure


def test_the_systems_libvirt_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI")
    assert virt.uri() == "qemu:///system"
    assert domain.console_command("fabric1") == [
        "virsh", "--quiet", "--connect", "qemu:///system", "console", "fabric1",
    ]  # fmt: skip
