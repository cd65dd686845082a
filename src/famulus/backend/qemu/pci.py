# SPDX-License-Identifier: GPL-2.0-or-later
"""Read and set the address of the pool in a machine. Pure.

QEMU restores shared memory only if the new machine has the memory at the same address already
(measured: "Mismatched GPAs"). So a clone's PCI configuration gets the values that the frozen
machine's kernel wrote, before QEMU restores the state: with the human monitor's `o`, through the
ports of PCI's configuration mechanism (PCI 3.0, 3.2.2.3.2).
"""

from collections.abc import Iterator
from typing import Any

from famulus.backend.machine import POOL_SLOT
from famulus.backend.qemu.monitor import Command, human_command

_SLOT = int(POOL_SLOT, 16)
_BAR = 2
_ADDRESS_PORT, _DATA_PORT = 0xCF8, 0xCFC
_ENABLE = 1 << 31
_COMMAND, _BAR_LOW, _BAR_HIGH = 0x04, 0x18, 0x1C
_DECODE_MEMORY = 2


def pool_place(buses: Any) -> int:  # noqa: ANN401 - the result of QMP's query-pci
    """Return the address of the pool. Raises StopIteration if the pool has no address."""
    device = next(device for device in buses[0]["devices"] if device["slot"] == _SLOT)
    return int(next(bar["address"] for bar in device["regions"] if bar["bar"] == _BAR))


def place_pool(address: int) -> Iterator[Command]:
    """Yield the commands that set the pool's address in a machine that has not run yet."""
    for register, value in (
        (_BAR_LOW, address & 0xFFFFFFFF),
        (_BAR_HIGH, address >> 32),
        (_COMMAND, _DECODE_MEMORY),
    ):
        yield human_command(f"o/w {_ADDRESS_PORT:#x} {_ENABLE | _SLOT << 11 | register:#x}")
        yield human_command(f"o/w {_DATA_PORT:#x} {value:#x}")
