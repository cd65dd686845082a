# SPDX-License-Identifier: GPL-2.0-or-later
"""Sizes: reading, refusals, output."""

import pytest

from famulus.base.errors import UsageError
from famulus.base.units import GIB, KIB, MIB, TIB, format_size, human_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4K", 4 * KIB),
        ("512M", 512 * MIB),
        ("512m", 512 * MIB),
        (" 2G ", 2 * GIB),
        ("2 GiB", 2 * GIB),
        ("2GB", 2 * GIB),
        ("1T", TIB),
        ("9999T", 9999 * TIB),
    ],
)
def test_parse(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "1.5G", "-1", "G", "1P", "four", "0x10", "1e9", "1 2", "1" * 19]
)
def test_refuse(text):
    with pytest.raises(UsageError, match="is not a size") as caught:
        parse_size(text)
    assert "512M" in caught.value.hint


@pytest.mark.parametrize("size", [0, 1, 1023, KIB, 1536, 3 * MIB, GIB, 5 * TIB, GIB + 1])
def test_format_is_read_back(size):
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (712 * MIB, "712 MiB"),
        (1.4 * GIB, "1.4 GiB"),
        (64 * GIB, "64 GiB"),
        (TIB, "1.0 TiB"),
    ],
)
def test_human(size, text):
    assert human_size(size) == text
