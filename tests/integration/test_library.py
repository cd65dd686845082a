# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus and famulus_guest on real nodes, by doorbell, as the user fabric."""

import errno
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.integration.cli import Cli
from tests.integration.programs import make_examples

pytestmark = pytest.mark.integration

TIMEOUT = 300  # seconds; nodes may be emulated
MILLION = 1_000_000
WAITS = 20
NOSPC = errno.ENOSPC

# The waiter says which round it is in. The notifier waits until the waiter sleeps in that round.
WAITER = f"""
from famulus_guest import Pool
region = Pool().obtain("woken", 4096)
event = region.event(0)
print("waiting", flush=True)
for round in range({WAITS}):
    region.word(1024).store(round + 1)
    event.wait(round, 120)
"""
NOTIFIER = f"""
import time
from famulus_guest import Pool
pool = Pool()
assert pool.has_doorbell
region = pool.open("woken")
for round in range({WAITS}):
    while region.word(1024).load() != round + 1 or not region.word(8).load():
        time.sleep(0.001)
    region.event(0).notify()
"""

# Two nodes at once make regions until the pool is full; then each removes its own.
FILL = f"""
from famulus_guest import Pool
pool, names = Pool(), []
barrier = pool.obtain("meet", 4096).barrier(0, 2)
barrier.wait(120)
try:
    while True:
        name = f"{{pool.node}}-{{len(names)}}"
        pool.create(name, 2 << 20).close()
        names.append(name)
except OSError as error:
    assert error.errno == {NOSPC}, error
barrier.wait(120)
lie = sorted((found.offset, found.size) for found in pool.regions())
assert all(a[0] + a[1] <= b[0] for a, b in zip(lie, lie[1:])), lie
barrier.wait(120)
for name in names:
    pool.destroy(name)
print("took", len(names))
"""

NAMES = """
from famulus_guest import Pool
pool = Pool()
for name in ("", "x" * 256, "a/b", "a\\0b"):
    try:
        pool.create(name, 4096)
    except (OSError, ValueError):
        continue
    raise SystemExit(f"{name!r} was taken")
pool.create("x" * 255, 4096).write(0, b"long name")
"""


def started(cli: Cli, node: int, command: str) -> subprocess.Popen[str]:
    """Start a shell command in a node, without a wait for its end."""
    return cli.start("ssh", str(node), "--", command)


def output(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, out
    return out


def python(code: str) -> str:
    return f"python3 -c '{code}'"


@pytest.fixture(scope="module")
def three() -> Iterator[Cli]:
    """A fabric of three nodes with a doorbell and the examples, compiled in node 1."""
    cli = Cli(f"l{os.getpid()}")
    try:
        cli.ok("up", "3", "--pool", "64M", "--doorbell")
        make_examples(cli, 3)
        yield cli
    finally:
        cli.purge()


def test_examples_build_with_pkg_config(three: Cli) -> None:
    flags = "$(pkg-config --cflags --libs famulus)"
    three.node(1, f"gcc -Wall -Werror -o /tmp/counter shared_counter.c {flags}")
    three.node(1, f"gcc -static -o /tmp/static shared_counter.c {flags}")
    assert "added 10" in three.node(1, "/tmp/static 10")
    program = (
        "#include <fam_atomic.h>\n#include <openfam.h>\n"
        "int main(void) { int64_t x = 1; return fam_atomic_64_fetch_add(&x, 1) != 1; }"
    )
    three.node(
        1,
        f"printf '%b' '{program}' > /tmp/c.c && gcc -o /tmp/c /tmp/c.c"
        " $(pkg-config --cflags --libs famulus-compat) && /tmp/c",
    )


def test_hello_pair_prints_the_greeting(three: Cli) -> None:
    three.node(1, "sudo ./hello_fabric")
    assert "Hello from fabric1" in three.node(3, "sudo ./hello_fabric_read")


def test_counter_is_exact(three: Cli) -> None:
    three.node(1, "python3 -m famulus_guest rm shared_counter || true")
    both = [started(three, node, f"./shared_counter {MILLION}") for node in (1, 2)]
    assert f"the counter is {2 * MILLION}" in "".join(output(process) for process in both)


def test_64_programs_of_a_node_count_together(three: Cli) -> None:
    three.node(2, "python3 -m famulus_guest rm shared_counter || true")
    three.node(2, "for i in $(seq 64); do ./shared_counter 100 > /dev/null & done; wait")
    assert "the counter is 6401" in three.node(2, "./shared_counter 1")


def interrupts(cli: Cli, node: int) -> int:
    return int(cli.node(node, "awk '/fam0-0/ {print $2}' /proc/interrupts"))


def test_a_waiter_is_woken_by_an_interrupt(three: Cli) -> None:
    waiter = started(three, 2, python(WAITER))
    assert waiter.stdout is not None
    assert "waiting" in waiter.stdout.readline()
    before = interrupts(three, 2)
    three.node(1, python(NOTIFIER))
    output(waiter)
    assert (
        interrupts(three, 2) - before >= WAITS // 2
    )  # the waiter looks by itself, too, now and then


def test_ping_pong_uses_the_doorbell(three: Cli) -> None:
    pong = started(three, 1, "./ping_pong pong 500")
    ping = three.node(2, "./ping_pong ping 500")
    assert "500 rounds" in ping
    assert "by doorbell" in ping
    output(pong)


def test_ping_pong_through_resource2_polls(three: Cli) -> None:
    program = "sudo env FAMULUS_POOL=/mnt/fabric_emulation ./ping_pong"
    pong = started(three, 1, f"{program} pong 50")
    assert "by polling" in three.node(2, f"{program} ping 50")
    output(pong)


def test_a_queue_keeps_the_order_of_each_producer(three: Cli) -> None:
    producers = [started(three, node, "./fabric_queue produce 200") for node in (1, 2)]
    text = three.node(3, "./fabric_queue consume 400")
    assert text == "node 3 consumed 200 of node 1\nnode 3 consumed 200 of node 2"
    for producer in producers:
        output(producer)


def test_parallel_sum_is_right(three: Cli) -> None:
    for process in [started(three, node, "./parallel_sum 3 50000") for node in (1, 2, 3)]:
        assert "the sum of 1 to 50000 is 1250025000" in output(process)


def test_kv_keeps_values_of_all_nodes(three: Cli) -> None:
    three.node(1, "python3 kv.py put colour red")
    three.node(2, "python3 kv.py put size 9")
    assert three.node(3, "python3 kv.py list") == "colour=red\nsize=9"


def test_regions_are_the_same_in_nodes_and_host(three: Cli) -> None:
    make = 'from famulus_guest import Pool; Pool().create("across", 5000).write(4096, b"from 1")'
    three.node(1, python(make))
    assert "across\t5000" in three.node(2, "python3 -m famulus_guest list")
    assert "across" in three.ok("region", "list")
    assert three.ok("region", "read", "across", "4096", "6", "--raw") == "from 1"
    three.ok("region", "write", "across", "0", "from the host")
    read = 'from famulus_guest import Pool; print(Pool().open("across").read(0, 13))'
    assert three.node(3, python(read)) == "b'from the host'"
    three.ok("region", "rm", "across")
    assert "across" not in three.node(2, "python3 -m famulus_guest list")
    three.fails("region", "rm", "across", code=1, says="there is no region")


def test_names_at_their_limits_work_and_beyond_are_refused(three: Cli) -> None:
    three.node(1, python(NAMES))
    longest = "x" * 255
    assert three.ok("region", "read", longest, "0", "9", "--raw") == "long name"
    three.ok("region", "rm", longest)
    for name in ("", "x" * 256, "a/b"):
        three.fails("region", "show", name, code=1, says="there is no region")
        three.fails("region", "rm", name, code=1, says="there is no region")


def test_two_nodes_take_regions_until_the_pool_is_full(three: Cli) -> None:
    took = [output(process) for process in [started(three, n, python(FILL)) for n in (1, 2)]]
    assert 28 <= sum(int(line.split()[1]) for line in took) <= 31
    three.node(3, python('from famulus_guest import Pool; Pool().create("again", 32 << 20)'))
    three.ok("region", "rm", "again")


def test_two_fabrics_at_once_share_nothing(three: Cli, own: Cli) -> None:
    """Regions have the same names, each in its own pool, with its own doorbell server."""
    own.ok("up", "2", "--pool", "64M", "--doorbell")
    make_examples(own, 2, "shared_counter", "ping_pong")
    three.node(1, "python3 -m famulus_guest rm shared_counter || true")
    command = "./shared_counter 200000"
    counts = [[started(cli, node, command) for node in (1, 2)] for cli in (three, own)]
    for both in counts:
        assert "the counter is 400000" in "".join(output(process) for process in both)
    pongs = [started(cli, 1, "./ping_pong pong 200") for cli in (three, own)]
    pings = [started(cli, 2, "./ping_pong ping 200") for cli in (three, own)]
    assert all("by doorbell" in output(process) for process in pings + pongs)
    own.node(1, python('from famulus_guest import Pool; Pool().create("only here", 4096)'))
    assert "only here" not in three.ok("region", "list")
    own.ok("down")
    pong = started(three, 1, "./ping_pong pong 50")
    assert "by doorbell" in three.node(2, "./ping_pong ping 50")
    output(pong)
