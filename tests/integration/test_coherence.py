# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes with own caches: several CPUs, the kernel, the host, the stream."""

import mmap
import os
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from famulus.coherence.caches import CACHES, STREAMS, Caches
from famulus.fabric.fabric import open_fabric
from tests.integration.cli import Cli
from tests.integration.programs import compile_touch, install
from tests.unit.native import headers

pytestmark = pytest.mark.integration

UP = ("--pool", "64M", "--coherence", "none")
SAYS = headers.constants("include/says.h")
KIND = headers.enumerators("include/stream.h", "STREAM_NONE")


def caches(cli: Cli) -> Caches:
    return open_fabric(cli.fabric).caches


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """touch.c, compiled on the host."""
    return compile_touch(tmp_path_factory.mktemp("touch"))


def touch(cli: Cli, node: int, *words: str) -> list[int]:
    return [int(line) for line in cli.node(node, " ".join(["./touch", *words])).split()]


def in_pool(cli: Cli, offset: int) -> int:
    text = cli.ok("pool", "read", str(offset), "8")
    return int.from_bytes(bytes.fromhex("".join(text.split()[1:9])), "little")


@pytest.fixture(scope="module")
def pair(program: Path) -> Iterator[Cli]:
    """Two nodes of two CPUs each, with a doorbell."""
    cli = Cli(f"coherence{os.getpid()}")
    try:
        cli.ok("up", "2", *UP, "--cpus", "2", "--doorbell")
        install(cli, program, (1, 2))
        yield cli
    finally:
        cli.purge()


def test_cpus_of_one_node_share_its_cache(pair: Cli):
    touch(pair, 2, "load:65536")
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda node: touch(pair, node, "threads:65536:5000"), (1, 2)))
    assert touch(pair, 2, "flush:65536", "load:65536") == [40000]


def test_a_store_of_the_kernel_stays_in_the_cache_until_its_flush(pair: Cli):
    pair.node(1, "printf 'ABCDEFGH' > letters")
    wanted = int.from_bytes(b"ABCDEFGH", "little")
    touch(pair, 2, "load:131072")
    touch(pair, 1, "load:131072", "read:131072:letters")
    assert in_pool(pair, 131072) == 0
    touch(pair, 1, "load:131072", "flush:131072")
    assert in_pool(pair, 131072) == wanted
    assert touch(pair, 2, "load:131072") == [0]


def test_accesses_across_pages_reach_both_pages(pair: Cli):
    touch(pair, 1, f"store:{3 * 4096 - 4}:{2**40 + 5}", "flush:8256")
    assert in_pool(pair, 3 * 4096 - 4) == 0
    touch(pair, 1, f"load:{3 * 4096 - 4}", f"flush:{3 * 4096 - 4}", f"flush:{3 * 4096}")
    assert in_pool(pair, 3 * 4096 - 4) == 2**40 + 5


def test_locked_instructions_across_lines_lose_nothing(pair: Cli):
    touch(pair, 1, "add:300:7:3")
    touch(pair, 1, "add:40956:7:3")
    assert (in_pool(pair, 300), in_pool(pair, 40956)) == (21, 21)


def test_the_host_stores_past_the_caches(pair: Cli):
    touch(pair, 1, "load:200000")
    pair.ok("pool", "write", "200000", "--hex", "05" + "00" * 7)
    assert touch(pair, 1, "load:200000") == [0]
    assert touch(pair, 2, "load:200000") == [5]


def events(cli: Cli) -> list[tuple[int, ...]]:
    """Return all events, sorted: seq, pc, offset, space, thread, value, old, size, kind, node."""
    found = []
    for path in caches(cli).stream.glob("*.ring"):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as ring:
            (count,) = struct.unpack_from("<Q", ring, 64)
            found += [struct.unpack_from("<7QHBB", ring, 192 + 64 * i) for i in range(count)]
    return sorted(found)


def test_the_stream_has_every_access(pair: Cli):
    for node in (1, 2):
        caches(pair).want(node, CACHES | STREAMS)
    starts, ends = (f"tell:{SAYS[word]}" for word in ("SAYS_PROCESS", "SAYS_EXIT"))
    touch(pair, 1, starts, "store:262144:17", "flush:262144", ends)
    touch(pair, 2, "load:262144", "add:262144:3:1")
    for node in (1, 2):
        caches(pair).want(node, CACHES)
    found = [one for one in events(pair) if one[2] == 262144]
    stored, flushed, loaded, added = found
    assert (stored[5], stored[7:]) == (17, (8, KIND["STREAM_STORE"], 1))
    assert flushed[7:] == (0, KIND["STREAM_CLFLUSH"], 1)
    assert (loaded[5], loaded[7:]) == (17, (8, KIND["STREAM_LOAD"], 2))
    assert (added[6], added[5], added[7:]) == (17, 20, (8, KIND["STREAM_LOCKED"], 2))
    assert stored[3] == flushed[3] != loaded[3] == added[3] or loaded[3]
    kinds = {one[8] for one in events(pair) if one[3] == stored[3]}
    assert {KIND["STREAM_PROCESS"], KIND["STREAM_EXIT"]} <= kinds
    symbols = pair.node(1, "nm touch | grep -w main")
    assert stored[1] & 0xFFF in range(4096), symbols


def test_a_booted_node_and_a_rebooted_node_have_caches(own: Cli, program: Path):
    own.ok("up", "2", *UP, "--cold")
    install(own, program, (1, 2))
    touch(own, 1, "load:0")
    touch(own, 2, "store:0:1", "flush:0")
    assert touch(own, 1, "load:0") == [0]
    own.reboot(1)
    touch(own, 1, "load:64")
    touch(own, 2, "store:64:1", "flush:64")
    assert touch(own, 1, "load:64", "flush:64", "load:64") == [0, 1]


def test_settings_that_exclude_each_other_are_refused(own: Cli):
    own.fails("up", "1", *UP, "--accel", "kvm", code=2, says="caches are coherent")
    own.fails("up", "1", *UP, "--network", "libvirt", code=2, says="libvirt")
    own.fails("up", "1", *UP, "--cache", "1M", code=2, says="both a size and a way")
    own.fails("up", "1", "--coherence", "maybe", code=2, says="must be full or none")


def test_caches_cannot_change_while_nodes_run(pair: Cli):
    pair.fails("up", "2", "--coherence", "full", code=1, says="cannot become full now")
    pair.fails("up", "2", "--atomics", "local", code=1, says="cannot become local now")
    pair.fails("up", "2", "--accel", "kvm", code=2, says="KVM")
