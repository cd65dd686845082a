# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus and famulus_guest on real nodes."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import Cli, running

pytestmark = pytest.mark.integration

LIMIT = 300  # seconds; nodes may be emulated
HOLD = """
import time
from famulus_guest import Pool
region = Pool().obtain("held", 4096)
region.{what}.lock()
region.word(1024).store(7)
print("held", flush=True)
time.sleep(600)
"""
TAKE = """
import time
from famulus_guest import Pool
pool = Pool()
start = time.monotonic()
assert pool.open("held").{what}.lock(120), "nobody died"
print("recovered after", round(time.monotonic() - start), "of", pool.dead_after)
print("alive", pool.node_alive(2), pool.node_alive(1))
"""


@pytest.fixture(scope="module")
def three() -> Iterator[Cli]:
    """A fabric of three nodes, with the examples built in each."""
    with running(3) as cli:
        for node in (1, 2, 3):
            cli.node(node, "make all 2>&1")
        yield cli


def start(cli: Cli, node: int, command: str) -> subprocess.Popen[str]:
    """Run a shell command in a node, without waiting."""
    return cli.start("ssh", str(node), "--", command)


def output(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, out
    return out


def python(code: str) -> str:
    return f"sudo python3 -c '{code}'"


def test_examples_build_with_pkg_config(three: Cli) -> None:
    flags = "$(pkg-config --cflags --libs famulus)"
    three.node(1, f"gcc -Wall -Werror -o /tmp/counter shared_counter.c {flags}")
    three.node(1, f"gcc -static -o /tmp/static shared_counter.c {flags}")
    assert "added 10" in three.node(1, "sudo /tmp/static 10")
    program = (
        "#include <fam_atomic.h>\n#include <openfam.h>\n"
        "int main(void) { int64_t x = 1; return fam_atomic_64_fetch_add(&x, 1) != 1; }"
    )
    three.node(
        1,
        f"printf '%b' '{program}' > /tmp/c.c && gcc -o /tmp/c /tmp/c.c"
        " $(pkg-config --cflags --libs famulus-compat) && /tmp/c",
    )


def test_hello_pair(three: Cli) -> None:
    three.node(1, "sudo ./hello_fabric")
    assert "Hello from fabric1" in three.node(3, "sudo ./hello_fabric_read")


def test_counter_is_exact(three: Cli) -> None:
    three.node(1, "sudo python3 -m famulus_guest rm shared_counter || true")
    texts = [output(start(three, node, "sudo ./shared_counter 30000")) for node in (1,)]
    started = [start(three, node, "sudo ./shared_counter 30000") for node in (1, 2, 3)]
    texts += [output(process) for process in started]
    assert "the counter is 120000" in "".join(texts)


def test_ping_pong(three: Cli) -> None:
    pong = start(three, 1, "sudo ./ping_pong pong 50")
    assert "50 rounds" in three.node(2, "sudo ./ping_pong ping 50")
    output(pong)


def test_queue_over_three_nodes(three: Cli) -> None:
    producers = [start(three, node, "sudo ./fabric_queue produce 200") for node in (1, 2)]
    text = three.node(3, "sudo ./fabric_queue consume 400")
    assert text == "node 3 consumed 200 of node 1\nnode 3 consumed 200 of node 2"
    for producer in producers:
        output(producer)


def test_parallel_sum(three: Cli) -> None:
    started = [start(three, node, "sudo ./parallel_sum 3 50000") for node in (1, 2, 3)]
    for process in started:
        assert "the sum of 1 to 50000 is 1250025000" in output(process)


def test_kv(three: Cli) -> None:
    three.node(1, "sudo python3 kv.py put colour red")
    three.node(2, "sudo python3 kv.py put size 9")
    assert three.node(3, "sudo python3 kv.py list") == "colour=red\nsize=9"


def test_regions_across_nodes_and_host(three: Cli) -> None:
    make = 'from famulus_guest import Pool; Pool().create("across", 5000).write(4096, b"from 1")'
    three.node(1, python(make))
    assert "across\t5000" in three.node(2, "sudo python3 -m famulus_guest list")
    assert "across" in three.ok("region", "list")
    assert three.ok("region", "read", "across", "4096", "6", "--raw") == "from 1"
    three.ok("region", "write", "across", "0", "from the host")
    read = 'from famulus_guest import Pool; print(Pool().open("across").read(0, 13))'
    assert three.node(3, python(read)) == "b'from the host'"
    three.ok("region", "rm", "across")
    assert "across" not in three.node(2, "sudo python3 -m famulus_guest list")
    three.fails("region", "rm", "across", code=1, says="there is no region")


@pytest.mark.parametrize("what", ["mutex(0)", "rwlock(512)"])
def test_a_node_killed_while_it_holds_a_lock(three: Cli, what: str) -> None:
    holder = start(three, 2, python(HOLD.format(what=what)))
    assert holder.stdout is not None
    while "held" not in (line := holder.stdout.readline()):
        assert line, "the holder has ended"
    started = time.monotonic()
    waiter = start(three, 1, python(TAKE.format(what=what)))
    time.sleep(1)
    three.ok("node", "kill", "2")
    text = output(waiter)
    assert "recovered after" in text
    assert "alive False True" in text
    assert time.monotonic() - started < 120
    holder.communicate(timeout=LIMIT)
    three.ok("up", "3")
    assert "shared_counter" in three.node(2, "ls")


def test_kv_survives_a_killed_node(three: Cli) -> None:
    three.node(1, "sudo python3 kv.py put a old")
    dying = start(three, 2, "sudo python3 kv.py put a new 600")
    pool = Path(json.loads(three.ok("pool", "show", "--json"))["path"])
    limit = time.monotonic() + LIMIT
    while b'"new"' not in pool.read_bytes():
        assert time.monotonic() < limit
        time.sleep(0.2)
    three.ok("node", "kill", "2")
    dying.communicate(timeout=LIMIT)
    assert three.node(1, "sudo python3 kv.py get a") == "old"
    three.node(3, "sudo python3 kv.py put b 1")
    assert "b=1" in three.node(1, "sudo python3 kv.py list")
