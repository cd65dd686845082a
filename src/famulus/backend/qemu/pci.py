# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a machine's firmware or kernel has placed the pool. Pure.

QEMU restores memory that nodes share only where the new machine has it at the same address already
(measured: "Mismatched GPAs"). So what the frozen machine's kernel wrote to the device's
configuration is written there before, with the human monitor's `o`, through the ports of PCI's
configuration mechanism (PCI 3.0, 3.2.2.3.2).
"""

from collections.abc import Iterator
from typing import Any

from famulus.backend.qemu.arguments import POOL_SLOT
from famulus.backend.qemu.monitor import Command, human_command

_SLOT = int(POOL_SLOT, 16)
_BAR = 2
_ADDRESS_PORT, _DATA_PORT = 0xCF8, 0xCFC
_ENABLE = 1 << 31
_COMMAND, _BAR_LOW, _BAR_HIGH = 0x04, 0x18, 0x1C
_DECODE_MEMORY = 2


def pool_place(buses: Any) -> int:  # noqa: ANN401 - what QMP's query-pci returns
    """Return the address of the pool. Raises StopIteration if it has none."""
    device = next(one for one in buses[0]["devices"] if one["slot"] == _SLOT)
    return int(next(one["address"] for one in device["regions"] if one["bar"] == _BAR))


def place_pool(address: int) -> Iterator[Command]:
    """Yield the commands that give the pool this address in a machine that has not run yet."""
    for register, value in (
        (_BAR_LOW, address & 0xFFFFFFFF),
        (_BAR_HIGH, address >> 32),
        (_COMMAND, _DECODE_MEMORY),
    ):
        yield human_command(f"o/w {_ADDRESS_PORT:#x} {_ENABLE | _SLOT << 11 | register:#x}")
        yield human_command(f"o/w {_DATA_PORT:#x} {value:#x}")
