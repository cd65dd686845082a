# SPDX-License-Identifier: GPL-2.0-or-later
"""The cost of own caches for nodes: ratios of one run, over plain TCG.

Three fabrics run side by side, and rounds alternate between them: one is coherent, one is not, and
one is coherent and could be watched. Each round measures loops of one node, two nodes that hand
data to each other, a boot, a clone, and memory.
"""

import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.common import Famulus, report, seconds
from famulus.base.paths import home

ROUNDS = 3
PAIR_ROUNDS = 300
STARTS = 3
SOURCE = Path(__file__).with_name("coherence_loop.c")
POOL = "1G"  # the loops map its first 16 MiB, below all regions
SUM = (
    "s=$(date +%s%N); sudo ./parallel_sum 2 1000000 >/dev/null || exit 1; "
    "echo sum $(( ($(date +%s%N) - s) / 1000000 ))e-3"
)
# `sum` is the two-node test: an example of the library. `pair` only hands lines over.
AIMS = {"sum": 2.0, "pair": None, "private": 5.0, "pool": 5.0, "mixed": 2.0}
KINDS = {"full": (), "none": ("--coherence", "none"), "watch": ("--watch",)}
SUBNETS = {"full": "192.168.42.0/24", "none": "192.168.43.0/24", "watch": "192.168.44.0/24"}


def main() -> None:
    """Measure and print everything, or the named parts: loops, starts, boots."""
    wanted = sys.argv[1:] or ["loops", "starts", "boots"]
    fabrics = {kind: Famulus(f"bench-{kind}", home()) for kind in KINDS}
    try:
        if "loops" in wanted:
            loops(fabrics)
        if "starts" in wanted:
            starts(fabrics, "clone", ())
        if "boots" in wanted:
            starts(fabrics, "boot", ("--cold",))
    finally:
        for famulus in fabrics.values():
            forget(famulus)


def forget(famulus: Famulus) -> None:
    """Stop and remove the fabric if it exists."""
    if famulus.fabric in famulus("list").split():
        famulus("down", "--purge", "--force")


def up(famulus: Famulus, kind: str, *words: str) -> None:
    """Start two nodes of this kind."""
    famulus("up", "2", "--pool", POOL, "--subnet", SUBNETS[kind], *KINDS[kind], *words)


def loops(fabrics: dict[str, Famulus]) -> None:
    """Print the times of loops and of the two-node test, and the nodes' memory."""
    for kind, famulus in fabrics.items():
        up(famulus, kind, "--accel", "tcg")
        for node in ("1", "2"):
            famulus("cp", str(SOURCE), f"{node}:")
            famulus(
                "ssh",
                node,
                "--",
                "gcc -O2 -o coherence_loop coherence_loop.c && make -s parallel_sum",
            )
    rounds = [{kind: measured(famulus) for kind, famulus in fabrics.items()} for _ in range(ROUNDS)]
    for what, aim in AIMS.items():
        times = {kind: [one[kind][what] for one in rounds] for kind in KINDS}
        least = {kind: min(found) for kind, found in times.items()}  # others use the host too
        report(f"{what}, none over full", least["none"], least["full"], aim)
        report(f"{what}, watch over full", least["watch"], least["full"])
    for kind, famulus in fabrics.items():
        print(f"  memory of a node, {kind}: {memory(famulus) / 2**20:.0f} MiB (PSS)")


def measured(famulus: Famulus) -> dict[str, float]:
    """Return the seconds of each loop: of one node alone, and of both nodes together."""
    lines = famulus("ssh", "1", "--", "./coherence_loop").splitlines()

    def on(node: str) -> Sequence[str]:
        command = f"./coherence_loop {node} {PAIR_ROUNDS}"
        return famulus("ssh", node, "--", command).splitlines()

    def summed(node: str) -> Sequence[str]:
        return famulus("ssh", node, "--", SUM).splitlines()

    with ThreadPoolExecutor(2) as both:
        lines += next(iter(both.map(on, ("1", "2"))))
        lines += next(iter(both.map(summed, ("1", "2"))))
    return {line.split()[0]: float(line.split()[1]) for line in lines}


def memory(famulus: Famulus) -> float:
    """Return the mean PSS of a node, in bytes."""
    return statistics.mean(float(one["proportional"]) for one in famulus.status()["nodes"])


def starts(fabrics: dict[str, Famulus], what: str, words: Sequence[str]) -> None:
    """Print the seconds that the start of two new nodes takes."""
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(STARTS):
        for kind, famulus in fabrics.items():
            forget(famulus)
            times[kind].append(seconds(lambda f=famulus, k=kind: up(f, k, *words)))  # type: ignore[misc]
    medians = {kind: statistics.median(found) for kind, found in times.items()}
    for kind in ("none", "watch"):
        report(f"{what} of two nodes, {kind} over full", medians[kind], medians["full"], 1.3)


if __name__ == "__main__":
    main()
