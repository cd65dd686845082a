# SPDX-License-Identifier: GPL-2.0-or-later
"""Words that all nodes access by locked instructions."""

import ctypes

from famulus_guest.native import library


class _Word:
    """A word of `bits` bits at `address`; values are taken modulo 2 ** bits."""

    bits: int
    kind: type[ctypes.c_uint32] | type[ctypes.c_uint64]

    def __init__(self, address: int) -> None:
        if address % (self.bits // 8):
            raise ValueError(f"an atomic of {self.bits} bits must be aligned to its size")
        self._address = address

    def _call(self, name: str, value: int) -> int:
        return int(getattr(library(), f"fam_{name}{self.bits}")(self._address, value))

    def load(self) -> int:
        """Return the value."""
        return int(getattr(library(), f"fam_load{self.bits}")(self._address))

    def store(self, value: int) -> None:
        """Store `value`."""
        self.swap(value)

    def swap(self, value: int) -> int:
        """Store `value` and return the old value."""
        return self._call("swap", value)

    def fetch_add(self, value: int) -> int:
        """Add `value`; this and each following method return the old value."""
        return self._call("fetch_add", value)

    def fetch_and(self, value: int) -> int:
        """Keep only the bits that `value` has."""
        return self._call("fetch_and", value)

    def fetch_or(self, value: int) -> int:
        """Set the bits that `value` has."""
        return self._call("fetch_or", value)

    def fetch_xor(self, value: int) -> int:
        """Invert the bits that `value` has."""
        return self._call("fetch_xor", value)

    def fetch_min(self, value: int) -> int:
        """Store `value` if it is less than the old value, unsigned."""
        return self._call("fetch_min", value)

    def fetch_max(self, value: int) -> int:
        """Store `value` if it is greater than the old value, unsigned."""
        return self._call("fetch_max", value)

    def compare_swap(self, expected: int, desired: int) -> int:
        """Store `desired` if the old value is `expected`; return the old value."""
        found = self.kind(expected)
        getattr(library(), f"fam_cas{self.bits}")(self._address, ctypes.byref(found), desired)
        return int(found.value)


class Word32(_Word):
    """A word of 32 bits."""

    bits = 32
    kind = ctypes.c_uint32


class Word64(_Word):
    """A word of 64 bits."""

    bits = 64
    kind = ctypes.c_uint64
