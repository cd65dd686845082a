# SPDX-License-Identifier: GPL-2.0-or-later
"""Pool files: directories of regions that a node has damaged or made up, and marks beside them."""

from pathlib import Path
from random import Random

import pytest

from famulus.pool import access, directory, mark
from famulus.pool.file import Pool
from famulus.pool.mark import Owner, Standing
from tests.unit.fuzz.fuzzing import few_or_many, fuzz
from tests.unit.fuzz.mutation import mutated
from tests.unit.fuzz.regions import SIZES, mutated_pool, real


@pytest.fixture
def pool(shared_pool: Path) -> bytes:
    return real(shared_pool)


WORDS = (
    *(b"null", b"[]", b"[" * 5000, b'"\\ud800"', b'"\\u0000"', b"1e999", b"NaN", b"-1", b"0.5"),
    *(
        b"1" * 5000,
        b'"../x"',
        b'"' + b"x" * 5000 + b'"',
        b"true",
        b'"home": ',
        b'"inode": ',
        b"\xff",
    ),
)


@few_or_many()
def test_a_mark_is_read_or_none(count: int, tmp_path: Path):
    """An existing file that has no readable mark is never taken for the fabric's own."""
    path, me = tmp_path / "pool", Owner(str(tmp_path), "fabric")
    path.touch()
    mark.write(path, me, made=True)
    beside = tmp_path / ".pool.famulus"
    before = beside.read_bytes()

    def case(rng: Random) -> None:
        beside.write_bytes(mutated(rng, before, WORDS))
        standing, found = mark.look(path, me)
        mark.whose(path)
        assert standing is not Standing.FREE
        assert found or standing is not Standing.OURS

    fuzz(count, tmp_path, case)


@few_or_many()
def test_a_directory_is_read_or_refused(count: int, pool: bytes, tmp_path: Path):
    """Every region that is found lies in the pool, and can be read and forgotten."""
    path = tmp_path / "pool"

    def case(rng: Random) -> None:
        path.write_bytes(mutated_pool(rng, pool))
        if rng.random() < 0.05:
            with path.open("r+b") as file:
                file.truncate(rng.choice(SIZES))
        there = Pool(path)
        found = directory.read(there)
        for region in found.regions:
            assert region.offset + region.size <= found.start
            list(access.read(there, region.offset, min(region.size, 256)))
        for region in found.regions[-1:]:
            directory.forget(there, region)
            assert region.index not in {other.index for other in directory.read(there).regions}

    fuzz(count, tmp_path, case)
