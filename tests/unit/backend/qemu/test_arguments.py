# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's argument lists, against golden files that a person has read."""

from dataclasses import replace
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path

import pytest

from famulus.backend.disk import overlay_arguments
from famulus.backend.machine import Cache, max_cpus
from famulus.backend.qemu.arguments import (
    clone_arguments,
    node_arguments,
    plug_arguments,
    snapshot_arguments,
)
from famulus.backend.qemu.pci import place_pool, pool_place
from famulus.backend.qemu.switch_arguments import (
    gateway_arguments,
    parse_forwards,
    switch_arguments,
)
from tests.places import GOLDEN
from tests.unit.backend.machines import MACHINE

SWITCH = Path("/s/switch")


def golden(name: str, argv: list[str]) -> None:
    """One option and its value stand on one line."""
    lines = [argv[0]]
    for word in argv[1:]:
        if word.startswith("-") or lines[-1].count(" ") or not lines[-1].startswith("-"):
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    assert (GOLDEN / name).read_text(encoding="utf-8") == "\n".join(lines) + "\n"


def test_node_under_tcg() -> None:
    golden("node-tcg.txt", node_arguments(MACHINE, SWITCH))


def test_node_under_kvm() -> None:
    golden("node-kvm.txt", node_arguments(replace(MACHINE, accel="kvm", cpus=4), SWITCH))


def test_a_clone_with_a_doorbell() -> None:
    ringing = replace(MACHINE, doorbell=Path("/s/doorbell/1"))
    golden("clone-doorbell.txt", clone_arguments(ringing, SWITCH, Path("/s/ram")))


def test_kvm_takes_the_doorbell_from_the_kernel() -> None:
    ringing = replace(MACHINE, doorbell=Path("/s/doorbell/1"), accel="kvm")
    (device,) = (word for word in node_arguments(ringing, SWITCH) if word.startswith("ivshmem"))
    assert device == ("ivshmem-doorbell,id=fam0,chardev=doorbell,vectors=4,ioeventfd=on,addr=04")


CACHE = Cache(Path("/p/famulus.so"), Path("/dev/shm/n"), Path("/dev/shm/n/node3.1.image"), 3)


def test_a_node_with_a_cache() -> None:
    golden("node-cache.txt", node_arguments(replace(MACHINE, cache=CACHE), SWITCH))


def test_a_clone_with_a_cache_differs_from_one_without_in_pool_and_plugin() -> None:
    plain = clone_arguments(MACHINE, SWITCH, Path("/s/ram"), 7)
    cached = clone_arguments(replace(MACHINE, cache=CACHE), SWITCH, Path("/s/ram"), 7)
    added = [word for word in cached if word not in plain]
    assert added == [
        "-plugin",
        "/p/famulus.so,pool=/dev/shm/fabric_em,folder=/dev/shm/n,node=3,ram=/s/ram,memory=536870912",
        "memory-backend-file,id=pool,mem-path=/dev/shm/n/node3.1.image,size=1073741824,share=on",
    ]


def test_a_machine_to_be_frozen() -> None:
    golden("snapshot.txt", snapshot_arguments(MACHINE, Path("/s/ram")))


def test_a_clone() -> None:
    golden("clone.txt", clone_arguments(MACHINE, SWITCH, Path("/s/ram"), 7))


def test_a_frozen_machine_that_gets_its_pool() -> None:
    golden("plug.txt", plug_arguments(MACHINE, Path("/s/ram")))


def test_a_clone_has_the_devices_of_the_frozen_machine() -> None:
    """QEMU refuses every difference but a pool that the frozen machine lacked."""
    frozen = _devices(snapshot_arguments(MACHINE, Path("/s/ram")))
    plugged = _devices(plug_arguments(MACHINE, Path("/s/ram")))
    assert plugged - frozen == {"ivshmem-plain,id=fam0,memdev=pool,master=on,addr=04"}
    assert frozen <= plugged
    assert _devices(clone_arguments(MACHINE, SWITCH, Path("/s/ram"), 7)) == plugged


def test_the_pool_is_placed_where_it_was() -> None:
    regions = [{"bar": 0, "address": 1 << 29}, {"bar": 2, "address": 0x12345670000}]
    buses = [{"devices": [{"slot": 3, "regions": []}, {"slot": 4, "regions": regions}]}]
    assert pool_place(buses) == 0x12345670000
    lines = [command.arguments["command-line"] for command in place_pool(0x12345670000)]
    assert lines == [
        "o/w 0xcf8 0x80002018",
        "o/w 0xcfc 0x45670000",
        "o/w 0xcf8 0x8000201c",
        "o/w 0xcfc 0x123",
        "o/w 0xcf8 0x80002004",
        "o/w 0xcfc 0x2",
    ]


def _devices(argv: list[str]) -> set[str]:
    return {value for option, value in pairwise(argv) if option == "-device"}


def test_switch() -> None:
    golden("switch.txt", switch_arguments(Path("/s/switch"), Path("/s/rc"), Path("/s/pid")))


def test_gateway() -> None:
    argv = gateway_arguments(IPv4Network("10.1.2.0/24"), 7, Path("/s/gw.qmp"), Path("/s/gw.pid"))
    golden("gateway.txt", argv)


def test_overlay() -> None:
    golden("overlay.txt", overlay_arguments("/t/disk.img", "raw", Path("/n/disk.part"), 8 << 30))


@pytest.mark.parametrize(("accel", "cpus", "most"), [("tcg", 1, 2), ("tcg", 4, 4), ("kvm", 1, 1)])
def test_tcg_machines_can_always_have_two_cpus(accel: str, cpus: int, most: int) -> None:
    assert max_cpus(accel, cpus) == most


def test_commas_in_paths_are_escaped() -> None:
    argv = node_arguments(replace(MACHINE, pool_file=Path("/a,b")), SWITCH)
    assert any("mem-path=/a,,b," in word for word in argv)


def test_forwards_are_read_from_the_monitor() -> None:
    usernet = """Hub 0 (inner):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[HOST_FORWARD]  14       127.0.0.1 42002    192.168.42.2    22     0     0
  TCP[ESTABLISHED]   15       127.0.0.1 55022    192.168.42.9    22     0     0
  TCP[HOST_FORWARD]  13       127.0.0.1 42001    192.168.42.1    22     0     0
"""
    assert parse_forwards(usernet) == {"192.168.42.2": 42002, "192.168.42.1": 42001}
