# SPDX-License-Identifier: GPL-2.0-or-later
"""The description of a node's machine, which every back end turns into a running one. Pure.

Every device has a fixed PCI slot: a machine restored from a snapshot must have the device tree
that the frozen machine had, with devices that were plugged in since then.
"""

from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.host.programs import QEMU

PROGRAM = QEMU

NETWORK_SLOT = "03"
POOL_SLOT = "04"
DISK_SLOT = "05"
SERIAL_SLOT = "06"
RNG_SLOT = "07"

DOORBELL_VECTORS = 4  # of each node; a QEMU holds an eventfd for each vector of each peer

# Page tables of five levels, and string moves that TCG carries out byte by byte, would slow a boot
# by a tenth.
SLOW_FEATURES = ("la57", "erms", "fsrm")

TRANSLATION_CACHE = 128  # MiB; without a bound a node's may grow to 1 GiB


class LaunchError(FamulusError):
    """The hypervisor did not start a machine. No snapshot is at fault, but host or settings are."""


@dataclass(frozen=True)
class Cache:
    """The plugin of node `number`, which keeps a cache before the pool or watches the accesses.

    `plugin` is the compiled plugin (native/plugin/plugin.c), `folder` has the files that the caches
    share, `image` is the file that the machine maps as its pool.
    """

    plugin: Path
    folder: Path
    image: Path
    number: int


@dataclass(frozen=True)
class Machine:
    """A node's machine. `memory` and `pool_size` are bytes; paths are absolute.

    `folder` takes the log and the pid file, `sockets` the sockets, whose names begin with `name`.
    `address_bits` is the width of the CPU's physical addresses. `doorbell` is the socket of the
    server that hands the machine the pool and its peers; without a doorbell the machine opens the
    pool's file itself.
    """

    name: str
    mac: str
    memory: int
    cpus: int
    accel: str
    disk: Path
    kernel: Path
    initrd: Path
    kernel_arguments: tuple[str, ...]
    pool_file: Path
    pool_size: int
    folder: Path
    sockets: Path
    address_bits: int
    doorbell: Path | None = None
    cache: Cache | None = None

    @property
    def serial_log(self) -> Path:
        """The file that takes everything that the machine prints on its serial console."""
        return self.folder / "serial.log"

    def socket(self, kind: str) -> Path:
        """Return the socket for `kind`: qmp, agent, console or hvc."""
        return self.sockets / f"{self.name}.{kind}"


@dataclass(frozen=True)
class Frozen:
    """A machine that was frozen: its memory, the state of its devices, the address of its pool.

    `ram` and `state` are files that QEMU wrote; `place` is 0 if the machine had no pool.
    """

    ram: Path
    state: Path
    place: int


def max_cpus(accel: str, cpus: int) -> int:
    """Return how many CPUs the machine could ever have.

    TCG translates locked instructions to non-atomic code for a machine that can only ever have one
    CPU. Atomics between nodes are then wrong (measured with QEMU 10.0: two nodes each added 1 to
    one word of the pool 1,000,000 times with `lock xadd`; the sum was 1,865,674 with `-smp 1`, and
    2,000,000 with `-smp 1,maxcpus=2`). Hence at least two under TCG.
    """
    return max(cpus, 2) if accel == "tcg" else cpus


def cpu_model(address_bits: int) -> str:
    """Return QEMU's model of the CPU under TCG, with physical addresses of so many bits."""
    slow = (f"{feature}=off" for feature in SLOW_FEATURES)
    return ",".join(["max", f"phys-bits={address_bits}", *slow])
