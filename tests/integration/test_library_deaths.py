# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU of node 2 is killed -9 while programs in node 2 hold every kind of lock; others go on."""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.pool.directory import directory_bytes
from famulus.state.folder import FabricFolder
from tests.integration.cli import Cli
from tests.integration.waits import wait

pytestmark = pytest.mark.integration

TIMEOUT = 300  # seconds; nodes may be emulated
SCRIBBLES = 1000
MESSAGES = 400

# The places of the objects in the region.
PLACES = """
from famulus_guest import Pool
pool = Pool()
region = pool.obtain("held", 64 << 10)
mutex, written, read = region.mutex(0), region.rwlock(512), region.rwlock(1024)
semaphore, barrier, once = region.semaphore(1536), region.barrier(1600, 2), region.once(1664)
queue = region.queue(4096, 40, 64)
"""

HOLD = f"""
import threading, time
{PLACES}
mutex.lock()
written.lock()
read.lock_read()
semaphore.post(2)
semaphore.wait()
threading.Thread(target=barrier.wait).start()
threading.Thread(target=once.run, args=(lambda: time.sleep(600),)).start()
while not region.word(1600).load() or not region.word(1664).load():
    time.sleep(0.01)
print("held", flush=True)
"""

# CHURN makes and removes a region for ever. PRODUCE puts messages into the queue for ever.
CHURN = f"""
{PLACES}
print("held", flush=True)
while True:
    pool.create("churn", 1 << 20).close()
    pool.destroy("churn")
"""
PRODUCE = f"""
{PLACES}
print("held", flush=True)
number = 0
while True:
    queue.push(str(number).encode() * 5)
    number += 1
"""

TAKE = f"""
import time
{PLACES}
print("woken after", end=" ")
start = time.monotonic()
assert mutex.lock(120), "the mutex: nobody died"
print(round(time.monotonic() - start), "of", pool.dead_after)
mutex.consistent(); mutex.unlock()
try:
    written.lock_read(120)
    raise SystemExit("a reader came in where a writer died")
except OSError:
    assert written.lock(120), "the writer: nobody died"
written.consistent(); written.unlock(); written.lock_read(1); written.unlock()
assert not read.lock(120), "a dead reader leaves nothing to mend"
read.unlock()
semaphore.wait(1)
try:
    semaphore.wait(0.2)
    raise SystemExit("the post that a dead node has taken came back")
except TimeoutError:
    semaphore.post()
assert barrier.wait(10), "the dead node had come"
done = []
once.run(lambda: done.append(1), 120)
assert done, "the dead node never finished its call"
assert all(region.name in ("held", "churn") for region in pool.regions())
pool.create("after", 1 << 20).close()
pool.destroy("after")
print("alive", pool.node_alive(2), pool.node_alive(1))
"""

# Check that messages are whole and in order. With an argument, take as many while node 2 produces.
CONSUME = f"""
import sys
{PLACES}
first = None
for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else len(queue)):
    text = queue.pop(120).rstrip(bytes(1)).decode()
    number = int(text[: len(text) // 5])
    assert text == str(number) * 5, text
    assert first is None or number == first + 1, (first, number)
    first = number
if len(sys.argv) < 2:
    queue.push(b"7" * 5, 60)
    assert queue.pop(60).rstrip(bytes(1)) == b"7" * 5
print("in order to", first)
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[Cli]:
    cli = Cli(f"m{os.getpid()}")
    try:
        cli.ok("up", "2", "--pool", "64M", "--doorbell")
        yield cli
    finally:
        cli.purge()


def install(cli: Cli, node: int, **programs: str) -> None:
    for name, source in programs.items():
        cli.ok("ssh", str(node), "--", f"cat > {name}.py", stdin=source)


def started(cli: Cli, node: int, command: str) -> subprocess.Popen[str]:
    """Start a program in a node, and return when the program prints "held"."""
    process = cli.start("ssh", str(node), "--", command)
    assert process.stdout is not None
    while "held" not in (line := process.stdout.readline()):
        assert line, f"{command} has ended"
    return process


def end(process: subprocess.Popen[str]) -> None:
    """End an ssh to a killed node: ssh itself would not notice for long."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def pool_file(cli: Cli) -> Path:
    return Path(cli.status()["pool"])


def test_locks_of_a_killed_node_are_recovered(pair: Cli) -> None:
    install(pair, 2, hold=HOLD, churn=CHURN, produce=PRODUCE)
    install(pair, 1, take=TAKE, consume=CONSUME)
    dying = [started(pair, 2, f"python3 {name}.py") for name in ("hold", "churn", "produce")]
    assert "in order" in pair.node(1, f"python3 consume.py {MESSAGES}")
    pid = int((FabricFolder(pair.fabric).path / "node2" / "qemu.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    shown = pair.node(1, "python3 take.py")
    assert "alive False True" in shown
    assert "in order" in pair.node(1, "python3 consume.py")
    for process in dying:
        end(process)
    pair.ok("node", "reset", "2")  # a new clone runs sooner than a boot from the disk
    assert "held\t65536" in pair.node(2, "python3 -m famulus_guest list")


def test_kv_survives_a_killed_node(pair: Cli) -> None:
    pair.node(1, "python3 kv.py put a old")
    dying = pair.start("ssh", "2", "--", "python3 kv.py put a new 600")
    wait(lambda: b'"new"' in pool_file(pair).read_bytes())
    pair.ok("node", "kill", "2")
    end(dying)
    assert pair.node(1, "python3 kv.py get a") == "old"
    pair.node(1, "python3 kv.py put b 1")
    assert "b=1" in pair.node(1, "python3 kv.py list")


def test_a_scribbled_directory_is_refused_or_repaired(pair: Cli) -> None:
    """Nodes and host report a defect in a line, and go on once the directory is cleared."""
    chance = random.Random(5)
    with pool_file(pair).open("r+b") as pool:
        size = pool.seek(0, os.SEEK_END)
        directory = directory_bytes(size)
        for _ in range(SCRIBBLES):
            pool.seek(size - chance.randrange(1, directory))
            pool.write(chance.randbytes(1))
    for argv in (["region", "list"], ["ssh", "1", "--", "python3 -m famulus_guest list"]):
        result = pair.run(*argv, timeout=TIMEOUT)
        assert result.returncode in (0, 1), result.stderr
        assert "core dumped" not in result.stderr
        assert "Traceback" not in result.stderr
    pair.ok("pool", "clear", str(size - directory), str(directory), "--yes")
    assert pair.node(1, "python3 kv.py put a anew; python3 kv.py list") == "a=anew"
