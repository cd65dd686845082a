# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus on non-coherent memory: the library writes back and invalidates all that it must."""

import pytest

from tests.unit.guest import lib, test_lib_regions
from tests.unit.guest.test_lib_processes import run

REAL = "-DFAM_REAL_OFFSET=0x080000000000UL"
WRAP = "-Wl,--wrap=mmap,--wrap=munmap"


@pytest.fixture(scope="session")
def parts(tmp_path_factory):
    """The library's object files, and in place of flush.c the memory that is not coherent."""
    folder = tmp_path_factory.mktemp("noncoherent")
    memory = folder / "noncoherent.o"
    lib.gcc("-c", "-fPIC", "-O2", REAL, "-o", memory, lib.HERE / "lib_noncoherent.c")
    visible = "-fvisibility=default"  # as lib_noncoherent.c is
    return [memory, *lib.compile_objects(folder, REAL, visible, but="flush.c")]


@pytest.fixture(scope="session")
def driver(tmp_path_factory, parts):
    target = tmp_path_factory.mktemp("noncoherent") / "driver"
    lib.gcc("-O2", REAL, WRAP, "-o", target, lib.HERE / "lib_driver.c", *parts)
    return target


@pytest.fixture(scope="session")
def library(tmp_path_factory, parts):
    target = tmp_path_factory.mktemp("noncoherent") / "libfamulus.so"
    lib.gcc("-shared", WRAP, "-o", target, *parts)
    return target


def test_a_program_without_an_invalidate_loses_counts(tmp_path, lib_pool, parts):
    """The loss proves that the memory of these tests is not coherent."""
    text = (lib.HERE / "lib_driver.c").read_text(encoding="utf-8")
    start = text.index("static void raise_guarded")
    fetch = text.index("\tfam_invalidate", start)
    source, target = tmp_path / "forgetful.c", tmp_path / "forgetful"
    begin = "static void mutex(long count)\n{\n"
    meet = '\tmust(fam_barrier_wait(fam, &shared->barrier, 2, TIMEOUT), "barrier");\n'
    forgetful = (text[:fetch] + "\t//" + text[fetch:]).replace(begin, begin + meet)
    source.write_text(forgetful, encoding="utf-8")
    lib.gcc("-O2", REAL, WRAP, "-o", target, source, *parts)
    assert run(target, lib_pool, "mutex", 2, 50_000)[4] < 100_000


@pytest.mark.parametrize(("verb", "total"), [("mutex", 2000), ("semaphore", 2000), ("rwlock", 500)])
def test_locks_exclude_each_other(driver, lib_pool, verb, total):
    assert run(driver, lib_pool, verb, 4, 500)[4:] == [total, total]


def test_no_addition_is_lost(driver, lib_pool):
    assert run(driver, lib_pool, "add", 4, 5000)[:4] == [20000, 20000, 20000, 40000]


def test_no_message_is_lost(driver, lib_pool):
    assert run(driver, lib_pool, "queue", 4, 500)[:2] == [0, 2000]


@pytest.mark.parametrize("verb", ["barrier", "event"])
def test_both_parties_meet(driver, lib_pool, verb):
    assert run(driver, lib_pool, verb, 2, 100)[0] in (2, 200)


@pytest.mark.parametrize(
    "test",
    [
        test_lib_regions.test_a_region_is_made_listed_resized_and_destroyed,
        test_lib_regions.test_a_new_region_is_zeros,
        test_lib_regions.test_concurrent_creations_make_each_region_once,
        test_lib_regions.test_a_full_pool_refuses_and_freed_pages_are_reused,
    ],
)
def test_regions_work(test, lib_pool, library, monkeypatch):
    monkeypatch.setenv("FAMULUS_LIBRARY", str(library))
    test() if test.__code__.co_argcount == 0 else test(lib_pool)
