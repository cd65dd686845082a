# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus on memory that is not coherent: nothing is forgotten to be written back or fetched."""

import pytest

from tests.unit.guest import lib, test_lib_regions
from tests.unit.guest.test_lib_processes import run

REAL = "-DFAM_REAL_OFFSET=0x080000000000UL"
WRAP = "-Wl,--wrap=mmap,--wrap=munmap"


def parts():
    yield lib.HERE / "lib_noncoherent.c"
    yield from (source for source in lib.sources() if source.name != "flush.c")


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    target = tmp_path_factory.mktemp("noncoherent") / "driver"
    lib.gcc("-O2", REAL, WRAP, "-o", target, lib.HERE / "lib_driver.c", *parts())
    return target


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    target = tmp_path_factory.mktemp("noncoherent") / "libfamulus.so"
    lib.gcc("-O2", "-shared", "-fPIC", REAL, WRAP, "-o", target, *parts())
    return target


def test_a_forgetful_program_is_wrong_here(tmp_path, lib_pool):
    """So what the others prove is not nothing: without a fetch after locking, counts are lost."""
    text = (lib.HERE / "lib_driver.c").read_text(encoding="utf-8")
    start = text.index("static void raise_guarded")
    fetch = text.index("\tfam_invalidate", start)
    source, target = tmp_path / "forgetful.c", tmp_path / "forgetful"
    begin = "static void mutex(long count)\n{\n"
    meet = '\tmust(fam_barrier_wait(fam, &shared->barrier, 2, TIMEOUT), "barrier");\n'
    forgetful = (text[:fetch] + "\t//" + text[fetch:]).replace(begin, begin + meet)
    source.write_text(forgetful, encoding="utf-8")
    lib.gcc("-O2", REAL, WRAP, "-o", target, source, *parts())
    assert run(target, lib_pool, "mutex", 2, 50_000)[4] < 100_000


@pytest.mark.parametrize(("verb", "total"), [("mutex", 2000), ("semaphore", 2000), ("rwlock", 500)])
def test_excluding_each_other(driver, lib_pool, verb, total):
    assert run(driver, lib_pool, verb, 4, 500)[4:] == [total, total]


def test_adding(driver, lib_pool):
    assert run(driver, lib_pool, "add", 4, 5000)[:4] == [20000, 20000, 20000, 40000]


def test_queue(driver, lib_pool):
    assert run(driver, lib_pool, "queue", 4, 500)[:2] == [0, 2000]


@pytest.mark.parametrize("verb", ["barrier", "event"])
def test_meeting(driver, lib_pool, verb):
    assert run(driver, lib_pool, verb, 2, 100)[0] in (2, 200)


@pytest.mark.parametrize(
    "test",
    [
        test_lib_regions.test_create_open_list_resize_destroy,
        test_lib_regions.test_a_region_is_zeros_again,
        test_lib_regions.test_creating_at_the_same_time,
        test_lib_regions.test_until_the_pool_is_full,
    ],
)
def test_regions(test, lib_pool, library, monkeypatch):
    monkeypatch.setenv("FAMULUS_LIBRARY", str(library))
    test() if test.__code__.co_argcount == 0 else test(lib_pool)
