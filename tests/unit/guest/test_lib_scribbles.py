# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: a directory overwritten at random is repaired or refused; no crash, no hang."""

import functools
import os
import random

import pytest

from famulus_guest import Pool, StaleError
from tests.unit.guest import lib
from tests.unit.guest.lib import Child, child

PAGE = 4096
NAMES = [f"region{number}" for number in range(12)]
RIGHT = {name: (number + 1) * 100 for number, name in enumerate(NAMES)}
DIRECTORY = lib.SIZE - (8192 + 512 * 64 + 2 * 64 * 384 + PAGE)  # layout.h
TABLE = DIRECTORY + 8192 + 512 * 64
COPY = 64 * 384


def fill():
    with Pool() as pool:
        for name, size in RIGHT.items():
            pool.create(name, size)


def look():
    """Return the regions (None if the pool does not open), and the errno of a failed call or 0."""
    try:
        with Pool() as pool:
            found = {region.name: region.size for region in pool.regions()}
            try:
                pool.create("new", PAGE)
            except OSError as error:
                return found, error.errno
            return found, 0
    except OSError as error:
        return None, error.errno


def scribble(path, places, rng, *, low=DIRECTORY, high=lib.SIZE):
    with path.open("r+b") as file:
        for _ in range(places):
            file.seek(rng.randrange(low, high))
            file.write(rng.randbytes(rng.randint(1, 64))[: high - file.tell()])


def test_one_damaged_place_loses_nothing(shared_pool):
    """1000 times: one write damages at most one copy."""
    child(fill)
    before = shared_pool.read_bytes()
    rng = random.Random(1)

    def fifty(seed):
        rng = random.Random(seed)
        for number in range(50):
            shared_pool.write_bytes(before)
            scribble(shared_pool, 1, rng)
            assert look() == (RIGHT, 0), (seed, number)

    for _ in range(20):
        child(functools.partial(fifty, rng.random()))


@pytest.mark.parametrize("places", [10, 100, 1000])
def test_many_damaged_places_show_no_wrong_region(shared_pool, places):
    """The remaining regions are right; if a region is lost, no new one is made."""
    child(fill)
    before = shared_pool.read_bytes()
    rng = random.Random(places)
    for _ in range(10):
        shared_pool.write_bytes(before)
        scribble(shared_pool, places, rng)
        found, error = Child(look).result()
        if found is None:
            assert error == 117  # EUCLEAN
            continue
        assert found.items() <= RIGHT.items()
        assert error in (0, 117)
        assert error or found == RIGHT


def test_a_lost_copy_is_repaired_from_the_other(shared_pool):
    child(fill)
    for start in (TABLE, TABLE + COPY):
        scribble(shared_pool, 2000, random.Random(2), low=start, high=start + COPY)
        found, error = child(look)
        assert found is not None
        assert found.items() >= RIGHT.items()
        assert error in (0, 17)  # EEXIST: the first round made it


def test_repair_clears_entries_without_a_valid_copy(shared_pool):
    child(fill)
    with shared_pool.open("r+b") as file:
        for copy in (TABLE, TABLE + COPY):
            file.seek(copy + 3 * 384 + 100)
            file.write(os.urandom(8))
    left = {name: size for name, size in RIGHT.items() if name != NAMES[3]}
    assert child(look) == (left, 117)

    def repair():
        with Pool() as pool:
            return pool.repair(), pool.repair()

    assert child(repair) == (1, 0)
    assert child(look) == (left, 0)


def test_an_entry_in_the_wrong_place_is_invalid(shared_pool):
    """Each entry has its index."""
    child(fill)
    data = bytearray(shared_pool.read_bytes())
    for copy in (TABLE, TABLE + COPY):
        data[copy + 384 : copy + 768] = data[copy : copy + 384]
    shared_pool.write_bytes(data)
    found, error = child(look)
    assert NAMES[1] not in found
    assert error == 117


def test_random_bytes_in_the_lock_count_as_a_dead_owner(shared_pool):
    child(fill)
    with shared_pool.open("r+b") as file:
        file.seek(DIRECTORY + 4096)
        file.write(os.urandom(16))
    assert child(look) == (RIGHT, 0)


@pytest.mark.usefixtures("short_silence")
def test_a_member_with_an_overwritten_slot_is_stale_and_can_open_again(shared_pool):
    child(fill)

    def work():
        pool = Pool()
        with shared_pool.open("r+b") as file:
            file.seek(DIRECTORY + 8192)
            file.write(os.urandom(512 * 64))
        with pytest.raises(StaleError):
            pool.regions()
        pool.close()
        # Every other slot belongs to a member that never existed, until it counts as dead.
        with Pool() as again:
            return len(again.regions())

    assert child(work) == len(RIGHT)
