# SPDX-License-Identifier: GPL-2.0-or-later
"""The cost of libfamulus between nodes, each time against another time of the same run.

`make bench-library`. 16 nodes with a doorbell; with `--small` 8 nodes, and a barrier of 8.
"""

import statistics
import sys
from pathlib import Path

from bench.common import Famulus
from famulus.base.paths import home

PROGRAM = Path(__file__).with_suffix(".c")
RUNS = 3


def main() -> None:
    """Measure and print everything."""
    nodes = 8 if "--small" in sys.argv else 16
    famulus = Famulus("bench-library", home())
    famulus("up", str(nodes), "--pool", "64M", "--doorbell")
    try:
        _install(famulus, nodes)
        _measure(famulus, nodes)
    finally:
        famulus("down", "--purge")


def _install(famulus: Famulus, nodes: int) -> None:
    """Compile the program in node 1, and copy it to all other nodes."""
    famulus("cp", str(PROGRAM), "1:library.c")
    famulus("exec", "1", "--", "gcc -O2 -o library library.c -lfamulus")
    for node in range(2, nodes + 1):
        famulus("cp", "1:library", f"{node}:library")


def _measure(famulus: Famulus, nodes: int) -> None:
    alone = _microseconds(famulus, 1, "lock", 20000)
    print(f"mutex, not contended: {alone:.2f} us a lock and unlock", flush=True)
    _report("mutex handed over between two nodes", _microseconds(famulus, 2, "hand", 500), alone)
    two = _microseconds(famulus, 2, "queue", 5000)
    print(f"queue of 64 bytes, 2 nodes: {1e6 / two:.0f} messages a second", flush=True)
    for parties in (4, 8):
        taken = _microseconds(famulus, parties, "queue", 2500) / (parties / 2)
        print(
            f"queue, {parties} nodes: {1e6 / taken:.0f} a second, {two / taken:.2f} of 2 nodes'",
            flush=True,
        )
    pair = _microseconds(famulus, 2, "barrier", 300)
    print(f"barrier of 2: {pair:.0f} us", flush=True)
    _report(f"barrier of {nodes} / of 2", _microseconds(famulus, nodes, "barrier", 50), pair)


def _microseconds(famulus: Famulus, parties: int, verb: str, count: int) -> float:
    """Return microseconds of an operation on the slowest of `parties` nodes: a median of runs."""
    command = f"./library {parties} {verb} {count}"
    taken = []
    for _ in range(RUNS):
        lines = famulus("exec", f"1-{parties}", "--", command).split("\n")
        taken.append(max(float(line.split("|")[1]) for line in lines if "|" in line))
    return statistics.median(taken)


def _report(name: str, ours: float, theirs: float) -> None:
    print(f"{name}: {ours:.1f} us / {theirs:.1f} us = {ours / theirs:.1f}", flush=True)


if __name__ == "__main__":
    main()
