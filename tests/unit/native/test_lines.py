# SPDX-License-Identifier: GPL-2.0-or-later
"""Moves of lines between the pool and images: the plugin's code, in processes that act as nodes."""

import subprocess
from pathlib import Path

import pytest

from famulus.base.held import Held
from famulus.base.units import GIB, MIB
from famulus.coherence.caches import Caches, Policy
from famulus.pool import access
from famulus.pool.file import Pool
from tests.unit.native.plugin import build, famulus_home  # noqa: F401 - overrides the one for each test

UNITS = tuple(f"shared/{name}.c" for name in ("shared", "push", "lock", "line", "sweep", "waits"))


class Fabric:
    """A pool, and processes that act as nodes."""

    def __init__(self, program: Path, folder: Path, size: int) -> None:
        self.program = program
        self.pool = folder / "pool"
        with self.pool.open("wb") as file:
            file.truncate(size)
        self.caches = Caches(self.pool)
        self.caches.create(size, Policy())
        self.nodes: dict[int, subprocess.Popen[str]] = {}

    def start(self, number: int) -> None:
        self.caches.attach(number)
        at = self.caches.held or self.pool
        argv: list[str | Path] = [self.program, at, self.caches.folder, str(number)]
        pipe = subprocess.PIPE
        self.nodes[number] = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True)

    def do(self, number: int, verb: str, at: int, value: int = 0) -> int:
        process = self.nodes[number]
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{verb} {at} {value}\n")
        process.stdin.flush()
        return int(process.stdout.readline() or -1)

    def byte(self, at: int) -> int:
        with self.pool.open("rb") as file:
            file.seek(at)
            return file.read(1)[0]

    def end(self) -> None:
        for process in self.nodes.values():
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("lines"), "plugin_lines", *UNITS)


@pytest.fixture
def fabric(program, tmp_path):
    made = Fabric(program, tmp_path, MIB)
    made.start(1)
    made.start(2)
    yield made
    made.end()


def test_node_joins_a_pool_whose_name_is_gone(fabric):
    held = Held(fabric.pool)
    fabric.pool.unlink()
    fabric.caches = Caches(fabric.pool, held.path)
    fabric.do(1, "store", 0, 7)
    fabric.do(1, "drop", 0)
    fabric.start(3)
    assert fabric.do(3, "load", 0) == 7
    access.write(Pool(fabric.pool, held), 64, bytes([8]))
    assert fabric.do(3, "load", 64) == 8
    assert not fabric.pool.exists()


def test_other_nodes_see_a_store_after_the_write_back(fabric):
    fabric.do(1, "store", 100, 7)
    assert (fabric.byte(100), fabric.do(2, "load", 100)) == (0, 0)
    assert fabric.do(1, "write_back", 100) == 1 << 36
    assert (fabric.byte(100), fabric.do(2, "load", 100)) == (7, 0)
    fabric.do(2, "drop", 100)
    assert fabric.do(2, "load", 100) == 7


def test_a_node_that_holds_no_line_sees_a_write_back_at_once(fabric):
    fabric.do(1, "store", 100, 7)
    fabric.do(1, "drop", 100)
    assert fabric.do(2, "load", 100) == 7


def test_bytes_of_two_writers_are_merged(fabric):
    fabric.do(1, "store", 64, 1)
    fabric.do(2, "store", 65, 2)
    fabric.do(1, "drop", 64)
    fabric.do(2, "drop", 64)
    assert (fabric.byte(64), fabric.byte(65)) == (1, 2)
    assert fabric.do(1, "load", 65) == 2


def test_a_write_back_has_a_dirty_byte_whose_value_is_unchanged(fabric):
    fabric.do(1, "store", 0, 0)
    fabric.do(2, "store", 0, 5)
    fabric.do(2, "drop", 0)
    fabric.do(1, "drop", 0)
    assert fabric.byte(0) == 0


@pytest.mark.parametrize("held", [False, True])
def test_a_write_back_has_unseen_stores(fabric, held):
    if held:
        fabric.do(1, "load", 200)
        fabric.do(2, "store", 201, 3)
        fabric.do(2, "drop", 201)
    fabric.do(1, "unseen", 200, 9)
    fabric.do(1, "drop", 200)
    assert (fabric.byte(200), fabric.byte(201)) == (9, 3 if held else 0)


def test_an_unseen_store_survives_another_nodes_write_back(fabric):
    fabric.do(1, "unseen", 300, 9)
    fabric.do(2, "store", 301, 4)
    fabric.do(2, "drop", 301)
    assert fabric.do(1, "load", 300) == 9
    fabric.do(1, "drop", 300)
    assert (fabric.byte(300), fabric.byte(301)) == (9, 4)


def test_a_sweep_drops_all_lines(fabric):
    for at in (0, 5000, 500000):
        fabric.do(1, "store", at, 1)
    fabric.do(1, "unseen", 70000, 2)
    assert fabric.do(1, "all", 0, 1) == 4
    assert [fabric.byte(at) for at in (0, 5000, 500000, 70000)] == [1, 1, 1, 2]


def test_a_node_finishes_the_write_back_of_a_dead_node(fabric):
    fabric.do(1, "die", 64, 8)
    fabric.nodes[1].wait()
    assert fabric.do(2, "load", 128) == 0
    assert fabric.do(2, "load", 64 + 64 * 4096 // 64) == 0
    assert fabric.do(2, "load", 64) == 8  # the write-back that node 1 had begun
    assert fabric.byte(64) == 8


@pytest.mark.parametrize("at", [64, 70])
def test_an_unseen_store_survives_the_write_back_of_a_dead_node(fabric, at):
    fabric.do(1, "die", 64, 8)
    fabric.nodes[1].wait()
    fabric.do(2, "unseen", at, 9)
    fabric.do(2, "drop", 64)
    assert (fabric.byte(64), fabric.byte(at)) == (8 if at == 70 else 9, 9)
    assert fabric.do(2, "load", at) == 9


def test_dirty_lines_die_with_their_node(fabric):
    fabric.do(1, "store", 100, 7)
    fabric.nodes[1].kill()
    fabric.caches.detach(1, killed=True)
    fabric.start(1)
    assert fabric.do(1, "load", 100) == 0


def test_a_node_that_starts_has_the_pools_bytes(fabric):
    fabric.do(1, "store", 100, 7)
    fabric.do(1, "drop", 100)
    fabric.start(3)
    assert fabric.do(3, "load", 100) == 7
    assert [count.number for count in fabric.caches.counts() if count.runs] == [1, 2, 3]


def test_a_store_of_the_host_reaches_pool_and_images(fabric):
    fabric.do(1, "load", 64)
    access.write(Pool(fabric.pool), 60, b"abcdefgh")
    assert fabric.do(1, "load", 64) == 0
    assert fabric.do(2, "load", 64) == ord("e")
    access.clear(Pool(fabric.pool), 62, 4)
    assert [fabric.byte(at) for at in (61, 62, 65, 66)] == [ord("b"), 0, 0, ord("g")]
    fabric.do(1, "drop", 64)
    assert fabric.do(1, "load", 66) == ord("g")


def test_a_pool_of_64_gigabytes_takes_room_for_touched_pages_only(program, tmp_path):
    fabric = Fabric(program, tmp_path, 64 * GIB)
    fabric.start(1)
    fabric.start(2)
    fabric.do(1, "store", 63 * GIB, 1)
    fabric.do(1, "drop", 63 * GIB)
    assert fabric.do(2, "load", 63 * GIB) == 1
    assert fabric.do(2, "all", 0, 1) == 0
    fabric.end()
    taken = sum(path.stat().st_blocks * 512 for path in fabric.caches.folder.rglob("*"))
    assert taken < 2 * MIB


def test_no_room_for_an_image_names_the_numbers(fabric):
    error = fabric.caches._failed("a copy of the pool: No space left on device", room=True)
    assert "a node's cache needs a copy of the pool" in error.brief
    assert "--pool-file" in error.hint
