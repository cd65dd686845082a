# SPDX-License-Identifier: GPL-2.0-or-later
"""Documents for libvirt, against golden files that a person has read, and libvirt's checks."""

import subprocess
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from famulus.backend.libvirt.domain_document import Place, domain_document
from famulus.backend.libvirt.network import LibvirtNetwork, fabric_of, network_name
from famulus.backend.libvirt.network_document import (
    address_of,
    missing_names,
    missing_reservations,
    name_entry,
    network_document,
    reservation,
)
from famulus.settings.identity import Identity
from tests.places import GOLDEN
from tests.unit.backend.machines import MACHINE

SUBNET = IPv4Network("192.168.42.0/24")
NODES = [Identity(number, SUBNET) for number in (1, 2)]
UUID = "5a1f1e58-6d43-5b1c-9b53-4f0a8b6f0c01"

NODE = Path("/home/f/.local/share/famulus/fabrics/fabric/node1")
DOMAIN = replace(MACHINE, folder=NODE, disk=NODE / "disk.qcow2")
PLACE = Place(
    name="fabric1",
    uuid=UUID,
    network="fabric_emul",
    backing=[(Path("/snapshots/d.qcow2"), "qcow2"), (Path("/t/disk.img"), "raw")],
    agent=NODE / "fabric1.agent",
    serial_log=NODE / "serial.log",
    owner=(1000, 1000),
)

DOCUMENTS = {
    "domain-tcg.xml": domain_document(DOMAIN, PLACE),
    "domain-kvm.xml": domain_document(replace(DOMAIN, accel="kvm", cpus=4), PLACE),
    "network.xml": network_document("fabric_emul", "fabric_emul", SUBNET, NODES),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_golden(name: str) -> None:
    assert DOCUMENTS[name] == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_fit_libvirts_schema(name: str) -> None:
    argv = ["virt-xml-validate", str(GOLDEN / name)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_apparmor_allows_what_a_node_opens() -> None:
    """libvirt's helper writes the machine's profile; AppArmor need not run.

    None of the files exists here: it follows from the document alone. The helper may not look into
    hidden folders such as ~/.local, so that it could not find backing files by itself.
    """
    result = subprocess.run(
        ["/usr/lib/libvirt/virt-aa-helper", "--dryrun", "--create", "--uuid", f"libvirt-{UUID}"],
        input=DOCUMENTS["domain-tcg.xml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    rules = [line.strip() for line in result.stdout.splitlines()]
    for rule in (
        '"/dev/shm/fabric_em" rw,',
        f'"{DOMAIN.disk}" rwk,',
        '"/snapshots/d.qcow2" rk,',
        '"/t/disk.img" rk,',
        '"/t/vmlinuz" r,',
        '"/t/initrd" r,',
        f'"{PLACE.agent}" rw,',
    ):
        assert rule in rules, result.stdout


def test_a_machine_that_famulus_does_not_run_boots_from_its_disk() -> None:
    text = domain_document(DOMAIN, Place("fabric1", UUID, "default"))
    assert "<boot dev='hd'/>" in text
    assert not any(word in text for word in ("<kernel>", "famulus.agent", "<log ", "<seclabel"))


def test_paths_are_escaped() -> None:
    text = domain_document(replace(DOMAIN, disk=Path("/a&'b/disk")), PLACE)
    assert "<source file='/a&amp;&#39;b/disk'/>" in text


def test_missing_entries_of_a_network_are_found() -> None:
    document = network_document("n", "n", SUBNET, NODES[:1])
    assert missing_reservations(document, NODES) == NODES[1:]
    assert missing_names(document, NODES) == NODES[1:]
    half = document.replace("</dhcp>", reservation(NODES[1]) + "</dhcp>")
    assert missing_reservations(half, NODES) == []
    assert missing_names(half, NODES) == NODES[1:]
    whole = half.replace("</dns>", name_entry(NODES[1]) + "</dns>")
    assert missing_names(whole, NODES) == []


def test_a_reservation_of_another_address_does_not_count() -> None:
    other = [Identity(1, IPv4Network("10.0.0.0/24"))]
    assert missing_reservations(DOCUMENTS["network.xml"], other) == other
    assert missing_names(DOCUMENTS["network.xml"], other) == other


def test_the_hosts_address_on_a_network() -> None:
    assert address_of(DOCUMENTS["network.xml"]) == "192.168.42.254"
    assert address_of("<network><name>isolated</name></network>") is None


@pytest.mark.parametrize(
    ("fabric", "network"), [("fabric", "fabric_emul"), ("test", "fabric_emul-test")]
)
def test_a_network_has_the_name_of_its_fabric(fabric: str, network: str) -> None:
    assert network_name(fabric) == network
    assert fabric_of(network) == fabric


@pytest.mark.parametrize("name", ["default", "fabric", "fabric_emulation"])
def test_other_networks_belong_to_no_fabric(name: str) -> None:
    assert fabric_of(name) is None


def test_a_bridge_has_a_name_that_the_kernel_takes() -> None:
    bridges = {LibvirtNetwork(network_name(n), SUBNET, ()).bridge for n in ("fabric", "a", "b")}
    assert "fabric_emul" in bridges
    assert len(bridges) == 3
    assert all(len(bridge) <= 15 for bridge in bridges)
