# SPDX-License-Identifier: GPL-2.0-or-later
"""The choice of a fabric's back end, and the consequences of the choice."""

import subprocess
import sys
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import get_args

import pytest

from famulus.backend.libvirt import domain
from famulus.backend.libvirt.backend import LibvirtBackend
from famulus.backend.qemu.backend import QemuBackend
from famulus.base.errors import FamulusError
from famulus.fabric import backends
from famulus.fabric.doctor import check
from famulus.fabric.fabric import Fabric
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from tests.unit.timeouts import TIMEOUT

NETWORKS = ("user", "libvirt")
SLEEP = "import time; time.sleep(60)"


def fabric(network: str, name: str = "mine", **settings: object) -> Fabric:
    spec = FabricSpec.model_validate({"network": network, **settings})
    return Fabric(FabricFolder(name), Record(spec, ""))


def test_every_value_of_the_setting_has_a_back_end() -> None:
    assert set(backends.KINDS) == set(get_args(FabricSpec.model_fields["network"].annotation))
    assert isinstance(fabric("user").backend, QemuBackend)
    assert isinstance(fabric("libvirt").backend, LibvirtBackend)


@pytest.mark.parametrize(
    ("network", "cold", "clones"),
    [("user", False, True), ("user", True, False), ("libvirt", False, False)],
)
def test_only_qemu_clones_nodes(network: str, cold: bool, clones: bool) -> None:
    made = fabric(network, cold=cold)
    assert made.clones is clones
    assert bool(made.backend.no_clones) is (network == "libvirt")


@pytest.mark.parametrize("network", NETWORKS)
def test_only_qemu_gives_nodes_a_doorbell(network: str) -> None:
    made = fabric(network, doorbell=True)
    assert made.rings is (network == "user")
    assert (made.node(1).doorbell is not None) is made.rings
    assert not fabric(network).rings


def test_qemus_sockets_lie_in_tmp_and_libvirts_beside_the_disk() -> None:
    node = fabric("user").node(1)
    assert node.socket("agent") == FabricFolder("mine").sockets / "fabric1.agent"
    node = fabric("libvirt").node(1)
    assert node.socket("agent") == node.path / "fabric1.agent"


@pytest.mark.parametrize(("name", "domain"), [("fabric", "fabric2"), ("mine", "mine-fabric2")])
def test_a_domain_has_the_name_of_its_fabric(name: str, domain: str) -> None:
    backend = LibvirtBackend(FabricFolder(name), FabricSpec().subnet)
    assert backend.runner("fabric2", Path("/n")).name == domain


def test_a_user_network_leads_through_ports_of_the_host() -> None:
    made = fabric("user", nodes=3)
    made.record.ports.update({1: 42001, 3: 42003, 4: 42004})
    assert made.ways == {1: ("127.0.0.1", 42001), 3: ("127.0.0.1", 42003)}
    assert made.network.libvirt_name is None


def test_a_libvirt_network_leads_to_the_nodes_themselves() -> None:
    made = fabric("libvirt", nodes=2)
    assert made.ways == {1: ("192.168.42.1", 22), 2: ("192.168.42.2", 22)}
    assert made.network.libvirt_name == "fabric_emul-mine"
    assert made.network.name_server == IPv4Address("192.168.42.254")


def test_libvirt_refuses_to_clone() -> None:
    runner = fabric("libvirt").node(1).runner
    with pytest.raises(FamulusError, match="cannot clone"):
        runner.clone(None, None, b"")  # type: ignore[arg-type]
    with pytest.raises(FamulusError, match="cannot clone"):
        runner.restore(None, None)  # type: ignore[arg-type]


def test_the_other_back_end_forgets_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[Path] = []
    monkeypatch.setattr(domain, "forget", forgotten.append)
    folder = FabricFolder("mine")
    for number in (1, 2):
        folder.node(number).mkdir(parents=True)
    backends.forget_all(folder, but=FabricSpec(network="libvirt"))
    assert forgotten == []
    backends.forget_all(folder, but=FabricSpec(network="user"))
    assert forgotten == [folder.node(1), folder.node(2)]
    backends.forget_all(folder)
    assert forgotten == [folder.node(1), folder.node(2)] * 2


@pytest.mark.parametrize(
    ("ends", "of_libvirt"), [(backends.end_all, "kill"), (backends.forget_all, "forget")]
)
def test_every_back_end_ends_its_machines(
    ends: Callable[[FabricFolder], None], of_libvirt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No state of the fabric is there to be read."""
    killed: list[Path] = []
    monkeypatch.setattr(domain, of_libvirt, killed.append)
    folder = FabricFolder("mine")
    node = folder.node(1)
    node.mkdir(parents=True)
    pidfile = node / "qemu.pid"
    with subprocess.Popen([sys.executable, "-c", SLEEP, str(pidfile)]) as process:
        pidfile.write_text(str(process.pid), encoding="ascii")
        ends(folder)
        assert process.wait(TIMEOUT) < 0
    assert killed == [node]
    assert not pidfile.exists()


def test_the_back_end_adds_its_programs_and_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "test:///default")
    folder = FabricFolder("mine")
    usual = [finding.name for finding in check(folder, FabricSpec())]
    more = [finding.name for finding in check(folder, FabricSpec(network="libvirt"))]
    assert "virsh" not in usual
    assert set(more) - set(usual) == {"virsh", "dnsmasq", "libvirt"}
    assert more[-1] == "libvirt"
