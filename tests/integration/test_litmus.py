# SPDX-License-Identifier: GPL-2.0-or-later
"""Litmus tests of tests/corpus/litmus on nodes with memory that is not coherent."""

import os
from collections.abc import Iterator

import pytest

from tests.integration.cli import Cli
from tests.integration.litmus import FOLDER, NOT_SEEN, Outcome, judge, read, run

pytestmark = pytest.mark.integration

TESTS = sorted(FOLDER.glob("*.litmus"))
BOUNDED = sorted(FOLDER.glob("bounded/*.litmus"))
STARTS = 40  # until all outcomes that must be seen were seen; `run` makes each node late in turn
RUNS = int(os.environ.get("FAMULUS_LITMUS_RUNS", "30"))


def _started(name: str, nodes: int, *words: str) -> Iterator[Cli]:
    cli = Cli(f"{name}{os.getpid()}")
    try:
        cli.ok("up", str(nodes), "--pool", "512M", "--coherence", "none", *words)
        cli.ok("cp", str(FOLDER / "litmus.c"), "1:")
        cli.node(1, "gcc -std=gnu11 -Wall -Wextra -Werror -O1 -o litmus litmus.c")
        for node in range(2, nodes + 1):
            cli.node(1, f"scp -q litmus fabric{node}:")
        yield cli
    finally:
        cli.purge()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cli]:
    yield from _started("lm", 4, "--doorbell")  # the doorbell's server hands out the images


@pytest.fixture(scope="module")
def eight() -> Iterator[Cli]:
    yield from _started("le", 8)


@pytest.fixture(scope="module")
def local() -> Iterator[Cli]:
    yield from _started("ll", 2, "--atomics", "local")


@pytest.fixture(scope="module")
def bounded() -> Iterator[Cli]:
    yield from _started("lb", 2, "--cache", "64K", "--eviction", "lru")


def _passes(cli: Cli, path, place: int, runs: int) -> None:
    litmus = read(path)
    seen: list[Outcome] = []
    for start in range(1 if litmus.ends else STARTS):
        seen += run(cli, litmus, runs, place, start)
        counts, wrong = judge(litmus, seen)
        if not any(one.startswith(NOT_SEEN) for one in wrong):
            break
    print(f"{path.stem}: {dict(counts)}")
    assert not wrong, f"{wrong}\n{counts}"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_outcomes(path, request: pytest.FixtureRequest):
    litmus = read(path)
    wide = litmus.nodes > 4
    name = "local" if litmus.atomics == "local" else "eight" if wide else "nodes"
    runs = 1 if litmus.ends else RUNS // 3 if wide else RUNS
    _passes(request.getfixturevalue(name), path, 16 + 8 * TESTS.index(path), runs)


@pytest.mark.parametrize("path", BOUNDED, ids=lambda path: path.stem)
def test_outcomes_with_bounded_caches(path, bounded: Cli):
    _passes(bounded, path, 16 + 8 * BOUNDED.index(path), RUNS)
