# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes with coherent memory that report their accesses: `up --watch`."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.coherence.caches import STREAMS, Caches
from tests.integration.cli import TIMEOUT, Cli, expect
from tests.integration.programs import compile_touch, install
from tests.integration.waits import wait

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    cli = Cli(f"watched{os.getpid()}")
    try:
        cli.ok("up", "2", "--watch", "--pool", "64M")
        install(cli, compile_touch(tmp_path_factory.mktemp("touch")), (1, 2))
        yield cli
    finally:
        cli.purge()


def test_memory_is_coherent(watched: Cli) -> None:
    assert watched.node(2, "./touch load:0") == "0"
    watched.node(1, "./touch store:0:17")
    assert watched.node(2, "./touch load:0") == "17"
    watched.ok("pool", "write", "0", "--hex", "12")
    assert watched.node(1, "./touch load:0") == "18"


def test_a_trace_counts_loads_stores_and_handovers(watched: Cli, tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    script = "/home/fabric/touch store:4096:7 load:4096 add:4096:1:3"
    words = ["record", str(file), "--seconds", "100", "--", "/bin/sh", "-c", script]
    assert "0x1000" in watched.ok("trace", *words)
    assert watched.node(2, "./touch store:4096:5 load:4096") == "5"  # nodes go on unwatched
    assert watched.node(1, "./touch load:4096") == "5"
    found = json.loads(watched.ok("trace", "show", str(file), "--json"))
    assert set(found["nodes"]) == {"1", "2"}
    for counted in found["nodes"].values():
        assert (counted["stores"], counted["locked"]) == (1, 3)
        assert counted["loads"] >= 1
    assert sum(counted["handovers"] for counted in found["nodes"].values()) >= 1


def test_top_names_lines(watched: Cli) -> None:
    caches = Caches(Path(watched.status()["pool"]))
    churn = "while [ ! -e stop ]; do ./touch churn:8192:64:1000; done"
    store = "while [ ! -e stop ]; do ./touch store:8192:1; sleep 0.5; done"
    with watched.on_terminal("top", "--interval", "2") as (process, terminal):
        wait(lambda: all(one.does & STREAMS for one in caches.counts()))
        busy = [watched.start("ssh", "2", "--", churn), watched.start("ssh", "1", "--", store)]
        shown = expect(terminal, "0x2000")
        process.send_signal(signal.SIGINT)
        process.wait(TIMEOUT)
    watched.ok("exec", "all", "--", "touch stop")
    assert [one.wait(TIMEOUT) for one in busy] == [0, 0]
    assert "HANDOVERS" in shown


def test_check_refuses_coherent_memory(watched: Cli) -> None:
    words = ("check", "--fabric", watched.fabric, "--", "/bin/true")
    watched.fails(*words, code=2, says="is coherent: there is nothing to check")
    watched.fails("up", "2", "--no-watch", code=1, says="cannot become not loaded now")
