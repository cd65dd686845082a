# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: a process that dies at any store of any call leaves a consistent pool."""

import itertools

import pytest

from tests.unit.guest.lib import Child, child, crash_everywhere
from tests.unit.guest.lib_region import MESSAGE, PAGE, QUEUE, make_region, pool
from tests.unit.timeouts import TIMEOUT

OFFSETS = {"mutex": 0, "rwlock": 512, "once": 128, "barrier": 192, "data": 1024}


def ranges(here):
    found = sorted((r.offset, r.size) for r in here.regions())
    assert all(a + n <= b for (a, n), (b, _) in itertools.pairwise(found))
    return {r.name: r.size for r in here.regions()}


def test_a_death_while_opening_leaves_a_usable_pool(crash_pool):
    """At each store of the first opening, which makes the directory."""

    def act(start):
        start()
        pool()

    def verify(_):
        with pool() as here:
            here.create("a", PAGE)
            assert ranges(here) == {"a": PAGE}

    assert crash_everywhere(crash_pool, act, verify) > 10


@pytest.mark.parametrize(
    ("call", "before", "after"),
    [
        (lambda here: here.create("new", PAGE), {}, {"new": PAGE}),
        (lambda here: here.destroy("old"), {"old": 2 * PAGE}, {}),
        (lambda here: here.resize("old", PAGE), {"old": 2 * PAGE}, {"old": PAGE}),
        (lambda here: here.resize("old", 5 * PAGE), {"old": 2 * PAGE}, {"old": 5 * PAGE}),
        (lambda here: here.reserve("raw", 40 * PAGE, PAGE), {}, {"raw": PAGE}),
    ],
    ids=["create", "destroy", "shrink", "grow", "reserve"],
)
def test_a_change_of_the_directory_is_complete_or_absent(crash_pool, call, before, after):
    """The next call works at once."""
    child(make_region)

    def act(start):
        here = pool()
        start()
        call(here)

    def verify(done):
        with pool() as here:
            found = ranges(here)
            changed = {n: s for n, s in found.items() if n in (*before, *after)}
            assert changed == after if done else changed in (before, after)
            if "old" in found:
                assert here.open("old").read(0, 3) == b"old"
            assert here.create("next", PAGE).read(0, PAGE) == bytes(PAGE)
            assert "r" in found

    assert crash_everywhere(crash_pool, act, verify) > 20


def test_a_death_under_a_mutex_is_repaired(crash_pool):
    """The two halves of the data are equal whenever the mutex is consistent."""
    child(make_region)

    def mend(region):
        region.write(OFFSETS["data"] + 64, region.read(OFFSETS["data"], 8))

    def change(region):
        value = int.from_bytes(region.read(OFFSETS["data"], 8), "little") + 1
        region.write(OFFSETS["data"], value.to_bytes(8, "little"))
        region.write(OFFSETS["data"] + 64, value.to_bytes(8, "little"))

    def act(start):
        region = pool().open("r")
        start()
        with region.mutex(OFFSETS["mutex"], lambda: mend(region)):
            change(region)

    def verify(_):
        region = pool().open("r")
        mutex = region.mutex(OFFSETS["mutex"], lambda: mend(region))
        if mutex.lock(TIMEOUT):
            mend(region)
            mutex.consistent()
        assert region.read(OFFSETS["data"], 8) == region.read(OFFSETS["data"] + 64, 8)
        mutex.unlock()

    assert crash_everywhere(crash_pool, act, verify) >= 2


def test_a_death_while_pushing_leaves_a_whole_message_or_none(crash_pool):
    """The queue works afterwards."""
    child(make_region)

    def act(start):
        region = pool().open("r")
        start()
        region.queue(QUEUE, MESSAGE, 4).push(b"first" * 8, TIMEOUT)

    def verify(done):
        queue = pool().open("r").queue(QUEUE, MESSAGE, 4)
        assert len(queue) in ((1,) if done else (0, 1))
        queue.push(b"next!" * 8, TIMEOUT)
        found = [queue.pop(TIMEOUT) for _ in range(len(queue))]
        assert found in ([b"next!" * 8], [b"first" * 8, b"next!" * 8])

    assert crash_everywhere(crash_pool, act, verify) > 5


def test_a_death_while_popping_leaves_the_message(crash_pool):
    """A consumer that dies before it has the message leaves it to the next consumer."""

    def fill():
        make_region()
        queue = pool().open("r").queue(QUEUE, MESSAGE, 2)
        for text in (b"one", b"two"):
            queue.push(text, TIMEOUT)

    child(fill)

    def act(start):
        region = pool().open("r")
        start()
        region.queue(QUEUE, MESSAGE, 2).pop(TIMEOUT)

    def verify(done):
        queue = pool().open("r").queue(QUEUE, MESSAGE, 2)
        left = [queue.pop(TIMEOUT).rstrip(b"\0") for _ in range(len(queue))]
        assert left in ([[b"two"]] if done else [[b"two"], [b"one", b"two"]])
        for text in (b"three", b"four"):
            queue.push(text, TIMEOUT)

    assert crash_everywhere(crash_pool, act, verify) > 2


@pytest.mark.parametrize("kind", ["read", "write"])
def test_a_death_in_a_reader_writer_lock_blocks_nobody(crash_pool, kind):
    child(make_region)

    def act(start):
        lock = pool().open("r").rwlock(OFFSETS["rwlock"], lambda: None)
        start()
        with lock.reading() if kind == "read" else lock.writing():
            pass

    def verify(_):
        lock = pool().open("r").rwlock(OFFSETS["rwlock"], lambda: None)
        with lock.reading():
            pass
        with lock.writing():
            pass

    assert crash_everywhere(crash_pool, act, verify) >= 2


def test_a_death_during_once_leads_to_another_run(crash_pool):
    child(make_region)

    def run():
        region = pool().open("r")
        word = region.word(OFFSETS["data"])
        region.once(OFFSETS["once"]).run(lambda: word.store(7), TIMEOUT)
        assert word.load() == 7

    def act(start):
        start()
        run()

    assert crash_everywhere(crash_pool, act, lambda _: run()) > 2


def test_a_death_at_a_barrier_leaves_it_usable(crash_pool):
    """A party that died after its arrival counts as arrived; afterwards two others can meet."""
    child(make_region)

    def act(start):
        barrier = pool().open("r").barrier(OFFSETS["barrier"], 1)
        start()
        barrier.wait(TIMEOUT)

    def meet():
        return pool().open("r").barrier(OFFSETS["barrier"], 2).wait(TIMEOUT)

    def verify(_):
        pair = [Child(meet), Child(meet)]
        assert sorted(one.result() for one in pair) == [False, True]

    assert crash_everywhere(crash_pool, act, verify) >= 1
