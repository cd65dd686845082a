# SPDX-License-Identifier: GPL-2.0-or-later
"""A node's machine, for the tests of both back ends."""

from pathlib import Path

from famulus.backend.machine import Machine

MACHINE = Machine(
    name="fabric1",
    mac="52:54:48:50:45:01",
    memory=512 << 20,
    cpus=1,
    accel="tcg",
    disk=Path("/home/f/node1/disk.qcow2"),
    kernel=Path("/t/vmlinuz"),
    initrd=Path("/t/initrd"),
    kernel_arguments=("root=/dev/vda1", "famulus"),
    pool_file=Path("/dev/shm/fabric_em"),
    pool_size=1 << 30,
    folder=Path("/home/f/node1"),
    sockets=Path("/s"),
    address_bits=42,
)
