# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: several processes do the same to one pool at a time, and nothing is lost."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.guest import lib

SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    target = tmp_path_factory.mktemp("driver") / "driver"
    lib.gcc("-O2", "-o", target, lib.HERE / "lib_driver.c", *lib.sources())
    return target


def run(driver: Path, pool: Path, verb: str, processes: int, count: int) -> list[int]:
    """Run so many, and return the numbers that the last to end prints."""
    argv = [str(driver), str(pool), verb, str(count)]
    env = {**os.environ, "FAMULUS_DEAD_AFTER_MS": "20000"}  # none of them dies
    started = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        for _ in range(processes)
    ]
    for process in started:
        out, error = process.communicate(timeout=600)
        assert process.returncode == 0, out + error
    argv[2] = "look"
    return [int(word) for word in subprocess.check_output(argv, timeout=60).split()]


@pytest.mark.parametrize("processes", [2, 8])
def test_adding(driver, lib_pool, processes):
    _check_adding(driver, lib_pool, processes, 100_000)


@pytest.mark.campaign
@pytest.mark.parametrize("processes", [2, 8])
def test_adding_a_million_times(driver, lib_pool, processes):
    _check_adding(driver, lib_pool, processes, 1_000_000)


def _check_adding(driver, pool, processes, count):
    total = processes * count
    assert run(driver, pool, "add", processes, count)[:4] == [total, total, total, 2 * total]


@pytest.mark.parametrize(
    ("verb", "total"), [("mutex", 8000), ("semaphore", 8000), ("rwlock", 2000)]
)
def test_excluding_each_other(driver, lib_pool, verb, total):
    numbers = run(driver, lib_pool, verb, 4, 2000)
    assert numbers[4:] == [total, total]


def test_barrier(driver, lib_pool):
    assert run(driver, lib_pool, "barrier", 2, 500)[0] == 1000


def test_once(driver, lib_pool):
    assert run(driver, lib_pool, "once", 8, 3)[0] == 1


@pytest.mark.parametrize("processes", [1, 2, 6])
def test_queue(driver, lib_pool, processes):
    """What was pushed was popped, by the sum, and nothing is left."""
    assert run(driver, lib_pool, "queue", processes, 2000)[:2] == [0, processes * 2000]


def test_event(driver, lib_pool):
    assert run(driver, lib_pool, "event", 2, 300)[0] == 2


def test_sanitized(tmp_path, lib_pool):
    """Addresses and undefined behaviour, in every part of the library."""
    driver = tmp_path / "driver"
    lib.gcc("-O1", *SANITIZE, "-o", driver, lib.HERE / "lib_driver.c", *lib.sources())
    for verb in ("add", "mutex", "rwlock", "semaphore", "once", "queue"):
        lib_pool.write_bytes(bytes(lib.SIZE))
        run(driver, lib_pool, verb, 2, 200)
