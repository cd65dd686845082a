# SPDX-License-Identifier: GPL-2.0-or-later
"""The files in a snapshot are those that a clone fills, and large enough."""

from ipaddress import IPv4Network

import pytest

from famulus.base.paths import make_private
from famulus.fabric.fabric import Fabric
from famulus.node import identify
from famulus.settings.identity import MAX_NODES, Identity, hosts_file
from famulus.settings.spec import FabricSpec
from famulus.snapshot.ready import READY
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus.transport import ssh
from famulus.transport.agent import GuestFile, ReadyFile, ready_request

SUBNET = IPv4Network("192.168.242.0/24")
LONG = "n" * 32  # the longest name that a fabric may have
OTHERS = {"/etc/hostname", "/etc/machine-id", "/var/lib/famulus/link"}  # the agent's own


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[GuestFile]:
    """The files that the last node of the largest fabric gets."""
    spec = FabricSpec(nodes=MAX_NODES, subnet=SUBNET)
    folder = FabricFolder(LONG)
    nodes = Fabric(folder, Record(spec, "")).nodes()
    make_private(folder.path)
    ssh.ensure_key(folder.path / "id_ed25519", f"famulus-{LONG}")
    key = identify.host_key(nodes[-1])
    monkeypatch.setattr(identify, "host_key", lambda _: key)
    shared = identify.shared_files(nodes, SUBNET[253])
    request = identify.clone_request(nodes[-1], shared)
    assert request.endswith(b"began\n")
    return [*shared, *identify._own_files(nodes[-1])]


def test_a_snapshot_has_every_file_of_a_clone(files: list[GuestFile]) -> None:
    ready = {(one.path, one.mode, one.uid, one.gid) for one in READY if one.path not in OTHERS}
    assert {(one.path, one.mode, one.uid, one.gid) for one in files} == ready


def test_every_file_has_room(files: list[GuestFile]) -> None:
    room = {one.path: one.size for one in READY}
    assert all(len(one.content.encode()) <= room[one.path] for one in files)


def test_a_long_host_name_has_room() -> None:
    room = {one.path: one.size for one in READY}["/etc/hosts"]
    me = Identity(MAX_NODES, SUBNET)
    assert len(hosts_file(me, range(1, MAX_NODES + 1), "h" * 64)) <= room


def test_the_request_has_mode_owner_size_and_path() -> None:
    request = ready_request([ReadyFile("/a b", 9), ReadyFile("/c", 512, 0o600, 1, 2)])
    assert request == b"ready 0644 0 0 9 /a b\nready 0600 1 2 512 /c\n"
