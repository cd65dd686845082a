# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutations of real inputs: bytes, lines of text, numbers."""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

NUMBERS = (
    *(0, 1, 2, 3, 7, 8, 63, 64, 65, 100, 255, 256, 4095, 4096, 4097, 65535, 65536),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 4096, 2**64 - 64, 2**64 - 1),
)


def number(rng: Random, bits: int) -> int:
    """Return a number of `bits` bits, often an extreme one."""
    if rng.random() < 0.3:
        return rng.getrandbits(rng.randint(1, bits))
    return rng.choice(NUMBERS) & (1 << bits) - 1


def mutated(rng: Random, data: bytes, words: Sequence[bytes] = ()) -> bytes:
    """Return `data` with some changes. `words` are pieces of the format, to be inserted."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        change = rng.choice(_CHANGES)
        if words and rng.random() < 0.4:
            changed[(at := _at(rng, changed)) : at] = rng.choice(words)
        elif changed:
            change(rng, changed)
        else:
            changed += rng.randbytes(rng.randint(1, 9))
    return bytes(changed)


def _at(rng: Random, data: bytearray) -> int:
    return rng.randint(0, len(data))


def _part(rng: Random, data: bytearray) -> slice:
    start = rng.randrange(len(data))
    return slice(start, start + rng.choice((1, 2, 4, 8, 16, 64, rng.randint(1, len(data)))))


def _flip(rng: Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(rng: Random, data: bytearray) -> None:
    part = _part(rng, data)
    data[part] = rng.randbytes(len(data[part]))


def _put_number(rng: Random, data: bytearray) -> None:
    size, start = rng.choice((1, 2, 4, 8)), rng.randrange(len(data))
    data[start : start + size] = number(rng, 8 * size).to_bytes(size, "little")


def _remove(rng: Random, data: bytearray) -> None:
    del data[_part(rng, data)]


def _repeat(rng: Random, data: bytearray) -> None:
    part, at = _part(rng, data), _at(rng, data)
    data[at:at] = bytes(data[part]) * rng.choice((1, 1, 2, 50))


def _truncate(rng: Random, data: bytearray) -> None:
    del data[_at(rng, data) :]


def _insert(rng: Random, data: bytearray) -> None:
    at = _at(rng, data)
    data[at:at] = rng.randbytes(rng.randint(1, 8))


_CHANGES: tuple[Callable[[Random, bytearray], None], ...] = (
    *(_flip, _overwrite, _put_number, _remove, _repeat, _truncate, _insert),
)
