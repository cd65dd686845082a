# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: a member that dies with a lock delays the others only until the timeout."""

import os
import signal
import time

import pytest

from famulus.base.waiting import wait_until
from famulus_guest import OwnerDeadError, Pool, StaleError
from tests.unit.guest.lib import Child, child
from tests.unit.guest.lib_region import MESSAGE, PAGE, QUEUE, make_region, pool
from tests.unit.timeouts import TIMEOUT


@pytest.mark.usefixtures("shared_pool")
def test_a_waiter_at_a_barrier_counts_as_arrived_until_interrupted():
    """For the whole wait, although Python wakes up for signals; an interrupt withdraws it."""
    child(make_region)
    with pool() as here:
        barrier, came = here.open("r").barrier(192, 2), here.open("r").word(192)

        def interrupted():
            def interrupt(*_):
                raise InterruptedError

            signal.signal(signal.SIGUSR1, interrupt)
            with pytest.raises(InterruptedError):
                pool().open("r").barrier(192, 2).wait()

        waiter = Child(interrupted)
        wait_until("the waiter arrives", lambda: came.load() == 1, timeout=TIMEOUT)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert came.load() == 1
        os.kill(waiter.pid, signal.SIGUSR1)
        waiter.result()
        assert came.load() == 0
        with pytest.raises(TimeoutError):
            barrier.wait(0.3)
        assert came.load() == 0


def holder(lock):
    """Start a process of node 2 that calls `lock` and keeps the lock until it is killed."""
    ready, there = os.pipe()

    def hold():
        here = pool()
        lock(here.open("r"))
        os.write(there, b"x")
        signal.pause()

    one = Child(hold, node=2)
    os.close(there)
    came = os.read(ready, 1)
    os.close(ready)
    assert came, one.end()
    return one


HELD = {
    "mutex": (lambda r: r.mutex(0).lock(), lambda r: r.mutex(0).lock(TIMEOUT)),
    "writer": (lambda r: r.rwlock(512).lock(), lambda r: r.rwlock(512).lock(TIMEOUT)),
    "reader": (lambda r: r.rwlock(512).lock_read(), lambda r: not r.rwlock(512).lock(TIMEOUT)),
}


@pytest.mark.parametrize("kind", HELD)
@pytest.mark.usefixtures("shared_pool", "short_silence")
def test_the_lock_of_a_dead_node_passes_on(kind):
    """Another node cannot see whether the process has ended: silence counts as death."""
    child(make_region)
    take, take_after = HELD[kind]
    one = holder(take)

    waiter = Child(lambda: take_after(pool().open("r")), node=3)
    time.sleep(0.3)
    assert os.waitpid(waiter.pid, os.WNOHANG) == (0, 0)
    one.kill()
    assert waiter.result() is True


@pytest.mark.usefixtures("shared_pool", "short_silence")
def test_the_lock_of_a_dead_process_passes_on():
    """Members on the same node see at their next heartbeat that the process has ended."""
    child(make_region)
    one = holder(HELD["mutex"][0])

    def wait():
        return pool().open("r").mutex(0).lock(TIMEOUT)

    waiter = Child(wait, node=2)
    time.sleep(0.2)
    one.kill()
    assert waiter.result() is True


@pytest.mark.usefixtures("shared_pool", "short_silence")
def test_calls_of_a_member_paused_too_long_fail_as_stale():
    """Another member owns its lock by then."""
    child(make_region)

    def hold():
        here = pool()
        mutex = here.open("r").mutex(0)
        mutex.lock()
        os.kill(os.getpid(), signal.SIGSTOP)
        with pytest.raises(StaleError):
            mutex.unlock()
        with pytest.raises(StaleError):
            here.create("x", PAGE)

    one = Child(hold, node=2)
    os.waitpid(one.pid, os.WUNTRACED)
    assert child(lambda: pool().open("r").mutex(0).lock(TIMEOUT)) is True
    os.kill(one.pid, signal.SIGCONT)
    one.result()


@pytest.mark.usefixtures("shared_pool")
def test_a_lock_reports_the_dead_owner_until_it_is_consistent():
    child(make_region)
    holder(HELD["mutex"][0]).kill()

    def fail():
        raise ZeroDivisionError

    def meet():
        mutex = pool().open("r").mutex(0)
        with pytest.raises(OwnerDeadError), mutex:
            raise AssertionError("the block was entered")
        with pytest.raises(ZeroDivisionError), pool().open("r").mutex(0, fail):
            raise AssertionError("the block was entered")
        return mutex.lock(TIMEOUT)

    assert child(meet, node=2) is True


@pytest.mark.usefixtures("shared_pool")
def test_readers_are_refused_until_a_dead_writers_data_are_repaired():
    child(make_region)
    holder(HELD["writer"][0]).kill()

    def meet():
        region = pool().open("r")
        with pytest.raises(OwnerDeadError):
            region.rwlock(512).lock_read(TIMEOUT)
        mended = []
        with region.rwlock(512, lambda: mended.append(1)).reading():
            return mended

    assert child(meet, node=2) == [1]


@pytest.mark.usefixtures("shared_pool", "short_silence")
def test_the_registry_lists_living_members():
    child(make_region)
    one = holder(HELD["mutex"][0])

    def look():
        here = pool()
        before = [(m.node, m.pid) for m in here.members()]
        alive = here.node_alive(2)
        deadline = time.monotonic() + TIMEOUT
        os.kill(one.pid, signal.SIGKILL)
        while here.node_alive(2) and time.monotonic() < deadline:
            time.sleep(0.05)
        return before, alive, here.node_alive(2), here.node_alive(1), here.node

    before, alive, after, me, node = child(look, node=1)
    one.end()
    assert before[0] == (2, one.pid)
    assert (alive, after, me, node) == (True, False, True, 1)


@pytest.mark.usefixtures("shared_pool")
def test_slots_are_used_again():
    """60 members take 20 slots in turn."""

    def work():
        for _ in range(3):
            many = [Pool() for _ in range(20)]
            assert len(many[0].members()) == 20
            assert len({one.id for one in many}) == 20
            for one in many:
                one.close()
        with Pool() as last:
            return len(last.members())

    assert child(work) == 1


@pytest.mark.usefixtures("shared_pool")
def test_a_child_of_fork_is_refused():
    def work():
        here = pool()
        mutex = here.create("r", PAGE).mutex(0)
        pid = os.fork()
        if pid == 0:
            try:
                mutex.lock(1)
            except ChildProcessError:
                here.close()
                os._exit(5)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
        mutex.lock(1)
        mutex.unlock()

    child(work)


@pytest.mark.usefixtures("shared_pool")
def test_every_wait_ends_at_its_timeout():
    child(make_region)
    one = holder(lambda r: (r.mutex(0).lock(), r.rwlock(512).lock()))

    def wait():
        r = pool().open("r")
        queue = r.queue(QUEUE, MESSAGE, 1)

        def push_two():
            queue.push(b"", 0.2)
            queue.push(b"", 0.2)

        for work in (
            lambda: r.mutex(0).lock(0.2),
            lambda: r.rwlock(512).lock(0.2),
            lambda: r.rwlock(512).lock_read(0.2),
            lambda: r.semaphore(64).wait(0.2),
            lambda: r.barrier(192, 2).wait(0.2),
            lambda: r.event(256).wait(r.event(256).read(), 0.2),
            lambda: queue.pop(0.2),
            push_two,
            lambda: r.mutex(0).lock(0),
        ):
            with pytest.raises(TimeoutError):
                work()
        with pytest.raises(PermissionError):
            r.mutex(0).unlock()
        with pytest.raises(PermissionError):
            r.rwlock(512).unlock()

    child(wait, node=3)
    one.kill()
