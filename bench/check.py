# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure the cost of `famulus check` for a program: ratios of one run, over plain TCG.

`make bench-check`. A coherent fabric and a noncoherent one run side by side. Each round runs the
loops of one node and the two-node tests in the first, in the second, and in the second under check.
"""

import os
import re
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.common import TIMEOUT, Famulus, report
from famulus.base.paths import home

ROUNDS = 3
PAIR_ROUNDS = 300
POOL = "1G"  # programs that map the pool themselves use its first 16 MiB
SOURCE = Path(__file__).with_name("coherence_loop.c")
# `sum` is the two-node test, an example of the library. `pair` only hands lines over.
AIMS = {"sum": 2.0, "pair": None, "private": 5.0, "pool": 5.0, "mixed": 5.0}
LOOP = "/home/fabric/coherence_loop"
BUILD = "gcc -O2 -o coherence_loop coherence_loop.c && make -s parallel_sum"
SUM = (
    "s=$(date +%s%N); /home/fabric/parallel_sum 2 1000000 >/dev/null || exit 9; "
    "echo sum $(( ($(date +%s%N) - s) / 1000000 ))e-3"
)
_TIMES = re.compile(r"^fabric\d+ +\| (\w+) ([\d.e-]+)$", re.MULTILINE)


def main() -> None:
    """Measure and print everything."""
    plain, none = (Famulus(f"bench-check-{kind}", home()) for kind in ("full", "none"))
    try:
        up(plain, "192.168.42.0/24", "--accel", "tcg")
        up(none, "192.168.43.0/24", "--coherence", "none")
        measure(plain, none)
    finally:
        for famulus in (plain, none):
            famulus("down", "--purge", "--force")


def up(famulus: Famulus, subnet: str, *words: str) -> None:
    """Start two nodes and compile the loops there."""
    famulus("up", "2", "--pool", POOL, "--subnet", subnet, *words)
    for node in ("1", "2"):
        famulus("cp", str(SOURCE), f"{node}:")
        famulus("ssh", node, "--", BUILD)


def measure(plain: Famulus, none: Famulus) -> None:
    """Print the time of each loop over its time in the plain fabric."""
    rounds = [(directly(plain), directly(none), checked(none)) for _ in range(ROUNDS)]
    for loop, aim in AIMS.items():
        columns = zip(*rounds, strict=True)
        full, caches, check = (statistics.median(one[loop] for one in of) for of in columns)
        report(f"{loop}, coherence none over full", caches, full)
        report(f"{loop}, check over full", check, full, aim)


def directly(famulus: Famulus) -> dict[str, float]:
    """Return the seconds of each loop in node 1, and of the two nodes together."""
    lines = famulus("ssh", "1", "--", LOOP).splitlines()

    def pair(node: str) -> list[str]:
        return famulus("ssh", node, "--", f"{LOOP} {node} {PAIR_ROUNDS}").splitlines()

    def summed(node: str) -> list[str]:
        return famulus("ssh", node, "--", SUM).splitlines()

    with ThreadPoolExecutor(2) as both:
        lines += next(iter(both.map(pair, ("1", "2"))))
        lines += next(iter(both.map(summed, ("1", "2"))))
    return {line.split()[0]: float(line.split()[1]) for line in lines}


def checked(famulus: Famulus) -> dict[str, float]:
    """Return the seconds of each loop under check."""
    alone = under_check(famulus, f'test "$FAMULUS_NODE" != 1 || exec {LOOP}')
    pair = under_check(famulus, f'exec {LOOP} "$FAMULUS_NODE" {PAIR_ROUNDS}')
    return {**alone, **pair, **under_check(famulus, SUM)}


def under_check(famulus: Famulus, script: str) -> dict[str, float]:
    """Return the seconds of the loops that a script in the nodes runs.

    The exit code does not count: the loops leave stores in the caches on purpose.
    """
    words = ["check", "--timeout", "900", "--", "/bin/sh", "-c", script]
    env = {**os.environ, "FAMULUS_HOME": str(famulus.home), "FAMULUS_FABRIC": famulus.fabric}
    argv = [sys.executable, "-m", "famulus", *words]
    done = subprocess.run(
        argv, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    times = {loop: float(took) for loop, took in _TIMES.findall(done.stdout)}
    if not times:
        sys.exit(f"check of {script} failed:\n{done.stdout}\n{done.stderr}")
    return times


if __name__ == "__main__":
    main()
