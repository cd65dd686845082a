# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: several processes run the same verb on one pool, and no change is lost."""

import subprocess
from pathlib import Path

import pytest

from tests.unit.guest import lib
from tests.unit.timeouts import TIMEOUT

SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")


@pytest.fixture(scope="session")
def driver(tmp_path_factory, lib_objects):
    target = tmp_path_factory.mktemp("driver") / "driver"
    lib.gcc("-O2", "-o", target, lib.HERE / "lib_driver.c", *lib_objects)
    return target


def run(driver: Path, pool: Path, verb: str, processes: int, count: int) -> list[int]:
    """Run `processes` drivers, and return the final numbers of the region."""
    argv = [str(driver), str(pool), verb, str(count)]
    started = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for process in started:
        out, error = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, out + error
    argv[2] = "look"
    return [int(word) for word in subprocess.check_output(argv, timeout=TIMEOUT).split()]


@pytest.mark.parametrize("processes", [2, 8])
def test_no_addition_is_lost(driver, lib_pool, processes):
    _check_adding(driver, lib_pool, processes, 100_000)


@pytest.mark.campaign("library")
@pytest.mark.parametrize("processes", [2, 8])
def test_no_addition_of_a_million_is_lost(driver, lib_pool, processes):
    _check_adding(driver, lib_pool, processes, 1_000_000)


def _check_adding(driver, pool, processes, count):
    total = processes * count
    assert run(driver, pool, "add", processes, count)[:4] == [total, total, total, 2 * total]


@pytest.mark.parametrize(
    ("verb", "total"), [("mutex", 8000), ("semaphore", 8000), ("rwlock", 2000)]
)
def test_locks_exclude_each_other(driver, lib_pool, verb, total):
    numbers = run(driver, lib_pool, verb, 4, 2000)
    assert numbers[4:] == [total, total]


def test_a_barrier_holds_both_parties(driver, lib_pool):
    assert run(driver, lib_pool, "barrier", 2, 500)[0] == 1000


def test_once_runs_once(driver, lib_pool):
    assert run(driver, lib_pool, "once", 8, 3)[0] == 1


@pytest.mark.parametrize("processes", [1, 2, 6])
def test_no_message_is_lost(driver, lib_pool, processes):
    """The sum of the popped messages equals the sum of the pushed ones."""
    assert run(driver, lib_pool, "queue", processes, 2000)[:2] == [0, processes * 2000]


def test_events_wake_in_turn(driver, lib_pool):
    assert run(driver, lib_pool, "event", 2, 300)[0] == 2


def test_the_sanitizers_find_nothing(tmp_path, lib_pool):
    """Addresses and undefined behaviour, in all units of the library."""
    driver = tmp_path / "driver"
    lib.gcc("-O1", *SANITIZE, "-o", driver, lib.HERE / "lib_driver.c", *lib.sources())
    for verb in ("add", "mutex", "rwlock", "semaphore", "once", "queue"):
        lib_pool.write_bytes(bytes(lib.SIZE))
        run(driver, lib_pool, verb, 2, 200)
