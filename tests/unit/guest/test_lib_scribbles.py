# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: a directory that was scribbled over is mended or refused; never a crash or a hang."""

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
    """Return what the directory says, or what error says that it is not right."""
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


def test_a_thousand_places_one_at_a_time(shared_pool):
    """One scribble hurts at most one copy, so nothing is ever lost."""
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
def test_many_places_at_once(shared_pool, places):
    """What is left is right; if anything is lost, nothing new is made."""
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


def test_one_copy_is_lost_and_mended(shared_pool):
    child(fill)
    for start in (TABLE, TABLE + COPY):
        scribble(shared_pool, 2000, random.Random(2), low=start, high=start + COPY)
        found, error = child(look)
        assert found is not None
        assert found.items() >= RIGHT.items()
        assert error in (0, 17)  # EEXIST: the first time made it


def test_what_is_beyond_repair_can_be_forgotten(shared_pool):
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


def test_a_copy_in_the_wrong_place_is_none(shared_pool):
    """An entry knows where it belongs."""
    child(fill)
    data = bytearray(shared_pool.read_bytes())
    for copy in (TABLE, TABLE + COPY):
        data[copy + 384 : copy + 768] = data[copy : copy + 384]
    shared_pool.write_bytes(data)
    found, error = child(look)
    assert NAMES[1] not in found
    assert error == 117


def test_a_lock_that_is_garbage_is_a_dead_owners(shared_pool):
    child(fill)
    with shared_pool.open("r+b") as file:
        file.seek(DIRECTORY + 4096)
        file.write(os.urandom(16))
    assert child(look) == (RIGHT, 0)


def test_a_member_whose_slot_is_scribbled_over(shared_pool):
    """It is told, and can come again."""
    child(fill)

    def work():
        pool = Pool()
        with shared_pool.open("r+b") as file:
            file.seek(DIRECTORY + 8192)
            file.write(os.urandom(512 * 64))
        with pytest.raises(StaleError):
            pool.regions()
        pool.close()
        # Every other slot is taken by somebody who was never there, until silence tells.
        with Pool() as again:
            return len(again.regions())

    assert child(work) == len(RIGHT)
