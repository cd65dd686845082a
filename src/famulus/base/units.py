# SPDX-License-Identifier: GPL-2.0-or-later
"""Sizes as users write and read them. All sizes inside Famulus are bytes."""

import re

from famulus.base.errors import UsageError

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40

_FACTORS = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": TIB}
_SIZE = re.compile(r"(\d{1,18})\s*([KMGT]?)(?:iB|B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return the size `text` in bytes: a whole number and K, M, G or T (powers of 1024).

    Raises UsageError for every other text, fractions included.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"'{text}' is not a size",
            hint="Write a whole number with K, M, G or T, such as 512M or 2G.",
        )
    return int(match[1]) * _FACTORS[match[2].upper()]


def format_size(size: int) -> str:
    """Return `size` bytes in the largest unit that divides `size`, as `parse_size` reads sizes."""
    for unit in ("T", "G", "M", "K"):
        if size and size % _FACTORS[unit] == 0:
            return f"{size // _FACTORS[unit]}{unit}"
    return str(size)


def human_size(size: float) -> str:
    """Return `size` bytes rounded for reading, such as `712 MiB` or `1.4 GiB`."""
    for unit, factor in (("TiB", TIB), ("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if size >= factor:
            value = size / factor
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"  # noqa: PLR2004
    return f"{size:.0f} B"
