# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: several processes use named regions."""

import itertools
import os
import random
import threading

import pytest

from famulus_guest import Pool, Region, StaleError
from tests.unit.guest import lib
from tests.unit.guest.lib import child

PAGE = 4096
RAW = lib.SIZE // 64


def with_pool(work, node=0):
    """Run `work` with an open pool in a child process."""

    def run():
        with Pool() as pool:
            result = work(pool)
            return None if isinstance(result, Region) else result

    return child(run, node)


def names(pool):
    return sorted(region.name for region in pool.regions())


@pytest.mark.usefixtures("shared_pool")
def test_a_region_is_made_listed_resized_and_destroyed():
    def make(pool):
        with pool.create("data", 5000, 0o640) as region:
            region.write(4990, b"0123456789")

    def look(pool):
        info = pool.stat("data")
        with pool.open("data") as region:
            return info, region.read(4990, 10), region.read(0, 4990), names(pool)

    with_pool(make)
    info, data, rest, listed = with_pool(look, node=2)
    assert (info.size, info.mode, info.uid, info.offset) == (5000, 0o640, os.geteuid(), RAW)
    assert data == b"0123456789"
    assert rest == bytes(4990)
    assert listed == ["data"]
    with_pool(lambda pool: pool.resize("data", 3 * PAGE))
    assert with_pool(lambda pool: pool.open("data").read(5000, 3 * PAGE - 5000)) == bytes(7288)
    with_pool(lambda pool: pool.destroy("data"))
    assert with_pool(names) == []


@pytest.mark.usefixtures("shared_pool")
def test_a_new_region_is_zeros():
    with_pool(lambda pool: pool.create("a", PAGE).write(0, b"x" * PAGE))
    with_pool(lambda pool: pool.destroy("a"))
    assert with_pool(lambda pool: pool.create("b", PAGE).read(0, PAGE)) == bytes(PAGE)
    with_pool(lambda pool: pool.open("b").write(0, b"y" * PAGE))
    with_pool(lambda pool: pool.destroy("b"))
    kept = with_pool(lambda pool: pool.create("c", PAGE, keep=True).read(0, PAGE))
    assert kept == b"y" * PAGE


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", OSError),
        ("a/b", OSError),
        ("a\0b", ValueError),
        ("x" * 256, OSError),
        ("\N{SNOWMAN}" * 86, OSError),
    ],
)
@pytest.mark.usefixtures("shared_pool")
def test_invalid_names_are_refused(name, error):
    with pytest.raises(error):
        with_pool(lambda pool: pool.create(name, PAGE))
    assert with_pool(names) == []


@pytest.mark.parametrize("name", ["x" * 255, ".", "a b\n", "\N{SNOWMAN}" * 85, "\udcff"])
@pytest.mark.usefixtures("shared_pool")
def test_names_that_can(name):
    with_pool(lambda pool: pool.create(name, PAGE))
    assert with_pool(names) == [name]
    with_pool(lambda pool: pool.destroy(name))


@pytest.mark.usefixtures("shared_pool")
def test_what_cannot_be_done():
    def refuse(pool):
        pool.create("a", PAGE)
        pool.create("b", PAGE)
        for work, error in (
            (lambda: pool.create("a", PAGE), FileExistsError),
            (lambda: pool.create("c", 0), OSError),
            (lambda: pool.create("c", lib.SIZE), OSError),
            (lambda: pool.create("c", 1 << 63), OSError),
            (lambda: pool.open("c"), FileNotFoundError),
            (lambda: pool.stat("c"), FileNotFoundError),
            (lambda: pool.destroy("c"), FileNotFoundError),
            (lambda: pool.resize("c", PAGE), FileNotFoundError),
            (lambda: pool.resize("a", PAGE + 1), OSError),
            (lambda: pool.resize("a", 0), OSError),
            (lambda: pool.obtain("a", 2 * PAGE), OSError),
        ):
            with pytest.raises(error):
                work()
        return names(pool)

    assert with_pool(refuse) == ["a", "b"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
def test_owner_and_mode_are_checked(shared_pool):
    shared_pool.chmod(0o666)

    def as_user(number, work):
        def run(pool):
            os.setgroups([])
            os.setegid(number)
            os.seteuid(number)
            return work(pool)

        return with_pool(run)

    as_user(1001, lambda pool: pool.create("mine", PAGE, 0o640))
    as_user(1001, lambda pool: pool.open("mine"))
    for work in (
        lambda pool: pool.open("mine"),
        lambda pool: pool.destroy("mine"),
        lambda pool: pool.resize("mine", 2 * PAGE),
    ):
        with pytest.raises(PermissionError):
            as_user(1002, work)
    with_pool(lambda pool: pool.create("all", PAGE, 0o604))
    as_user(1002, lambda pool: pool.open("all", read_only=True))
    with pytest.raises(PermissionError):
        as_user(1002, lambda pool: pool.open("all"))


@pytest.mark.usefixtures("shared_pool")
def test_a_full_pool_refuses_and_freed_pages_are_reused():
    """First the pages run out, then the entries; a new region takes freed pages."""

    def fill(pool):
        size = max(r for r in range(PAGE, lib.SIZE, PAGE) if _fits(pool, r))
        pool.create("all", size)
        with pytest.raises(OSError, match="No space"):
            pool.create("more", 1)
        pool.destroy("all")
        count = 0
        while _fits(pool, PAGE):
            pool.create(f"r{count}", PAGE)
            count += 1
        pool.destroy("r3")
        pool.create("again", PAGE)
        return count, [(r.offset, r.size) for r in pool.regions()]

    count, ranges = with_pool(fill)
    assert count == 64  # entries of so small a pool
    ordered = sorted(ranges)
    assert ordered[0][0] >= RAW
    assert all(a + n <= b for (a, n), (b, _) in itertools.pairwise(ordered))


def _fits(pool, size):
    try:
        pool.create("try", size)
    except OSError:
        return False
    pool.destroy("try")
    return True


@pytest.mark.usefixtures("shared_pool")
def test_regions_avoid_reserved_ranges():
    def work(pool):
        pool.reserve("raw", RAW + PAGE, 10 * PAGE)
        with pytest.raises(OSError, match="busy"):
            pool.reserve("other", RAW + 10 * PAGE, PAGE)
        with pytest.raises(OSError, match="Invalid"):
            pool.reserve("other", 1, PAGE)
        with pytest.raises(OSError, match="busy"):
            pool.reserve("other", lib.SIZE - PAGE, PAGE)  # the directory
        pool.create("one", PAGE)
        pool.create("two", PAGE)
        return {r.name: (r.offset, r.reserved) for r in pool.regions()}

    found = with_pool(work)
    assert found["raw"] == (RAW + PAGE, True)
    assert found["one"] == (RAW, False)
    assert found["two"] == (RAW + 11 * PAGE, False)


@pytest.mark.usefixtures("shared_pool")
def test_a_destroyed_region_is_stale():
    def work(pool):
        region = pool.create("a", PAGE)
        region.check()
        pool.destroy("a")
        pool.create("a", PAGE)
        with pytest.raises(StaleError):
            region.check()

    with_pool(work)


@pytest.mark.usefixtures("shared_pool")
def test_concurrent_creations_make_each_region_once():
    """Eight processes obtain the same twenty regions: each is made once, and all open it."""

    def work(pool):
        order = list(range(20))
        random.shuffle(order)
        for number in order:
            pool.obtain(f"r{number}", PAGE).word(0).fetch_add(1)

    children = [lib.Child(lambda: with_pool(work), node) for node in range(1, 9)]
    for one in children:
        one.result()

    def counts(pool):
        return [pool.open(f"r{number}").word(0).load() for number in range(20)]

    assert with_pool(counts) == [8] * 20


@pytest.mark.usefixtures("shared_pool")
def test_threads_share_a_pool():
    def work(pool):
        def make(number):
            pool.create(f"t{number}", PAGE)

        threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return names(pool)

    assert with_pool(work) == [f"t{number}" for number in range(8)]


@pytest.mark.usefixtures("shared_pool")
def test_two_pools_are_independent(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(bytes(lib.SIZE))

    def work(pool):
        with Pool(other) as second:
            pool.create("a", PAGE).write(0, b"first")
            second.create("a", PAGE).write(0, b"second")
            return pool.open("a").read(0, 5), second.open("a").read(0, 6)

    assert with_pool(work) == (b"first", b"second")


@pytest.mark.parametrize("size", [0, 4096, 100_000])
def test_a_pool_that_is_too_small_is_refused(shared_pool, size):
    shared_pool.write_bytes(bytes(size))
    with pytest.raises(OSError, match="Invalid"):
        with_pool(names)


def test_unknown_bytes_in_place_of_the_directory_are_kept(shared_pool):
    """The library does not overwrite them."""
    before = os.urandom(lib.SIZE)
    shared_pool.write_bytes(before)
    with pytest.raises(OSError, match="cleaning"):
        with_pool(names)
    assert shared_pool.read_bytes() == before


def test_a_missing_pool_is_reported(shared_pool):
    shared_pool.unlink()
    with pytest.raises(FileNotFoundError):
        with_pool(names)
