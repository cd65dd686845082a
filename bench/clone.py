# SPDX-License-Identifier: GPL-2.0-or-later
"""The cost of clones: seconds against one cold boot, memory and CPU of idle nodes, from 1 to 64.

`make bench-clone`. With `--docs`, write the table and the plot of docs/clones.md as well.
"""

import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.common import Famulus, median, report, seconds
from bench.plot import line_plot
from famulus.base.paths import home
from famulus.base.process import cpu_seconds
from famulus.base.units import MIB

RUNS = 3
COUNTS = (1, 2, 4, 8, 16, 32, 64)
AIMS = {16: 0.20, 64: 1.0}  # of one cold boot
IDLE = 60  # seconds from the start to the measurement of memory and CPU
WATCH = 30  # seconds of the measurement of CPU
DOCS = Path(__file__).parents[1] / "docs"
_HEAD = """<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
# What clones cost, from 1 to 64

Written by `make bench-clone ARGS=--docs`: two cores, TCG, 512 MiB a node. MiB are proportional set
sizes of QEMU after a minute of idling.

"""


@dataclass(frozen=True)
class Cost:
    """The cost of a fabric of `nodes` clones: seconds, MiB a node (PSS), per cent of a core."""

    nodes: int
    seconds: float
    proportional: float
    idle: float


def main() -> None:
    """Measure and print everything."""
    famulus = Famulus("bench", home())
    famulus("template", "build")
    cold = median(lambda: _start(famulus, 1, "--cold"), RUNS)
    made = _start(famulus, 1, "--clone")  # may make the snapshot
    print(f"one cold boot: {cold:.1f} s; a clone, its snapshot made if need be: {made:.1f} s")
    costs = [measure(famulus, nodes) for nodes in COUNTS]
    for cost in costs:
        report(f"up {cost.nodes} / one cold boot", cost.seconds, cold, AIMS.get(cost.nodes))
    _print_memory(costs)
    if "--docs" in sys.argv:
        _write_docs(costs, cold)


def _start(famulus: Famulus, nodes: int, how: str) -> float:
    taken = seconds(lambda: famulus("up", str(nodes), "--pool", "64M", how))
    famulus("down", "--purge")
    return taken


def measure(famulus: Famulus, nodes: int) -> Cost:
    """Start `nodes` clones three times, and measure the last fabric once its nodes are idle."""
    times = [_start(famulus, nodes, "--clone") for _ in range(RUNS - 1)]
    times.append(seconds(lambda: famulus("up", str(nodes), "--pool", "64M", "--clone")))
    time.sleep(IDLE)
    found = famulus.status()["nodes"]
    before = [cpu_seconds(node["pid"]) for node in found]
    time.sleep(WATCH)
    used = [cpu_seconds(node["pid"]) - old for node, old in zip(found, before, strict=True)]
    famulus("down", "--purge")
    cost = Cost(
        nodes,
        statistics.median(times),
        statistics.mean(node["proportional"] for node in found) / MIB,
        100 * statistics.mean(used) / WATCH,
    )
    print(
        f"{nodes:3} nodes: {cost.seconds:5.1f} s, {cost.proportional:5.0f} MiB each, "
        f"{cost.idle:.2f} % of a core each when idle",
        flush=True,
    )
    return cost


def _print_memory(costs: list[Cost]) -> None:
    one = costs[0].proportional
    worst = max(_further(cost, one) for cost in costs[1:])
    print(f"memory of a further node: at most {worst:.0f} MiB{_verdict(worst, 100)}")
    idle = max(cost.idle for cost in costs)
    print(f"CPU of an idle node: at most {idle:.2f} % of a core{_verdict(idle, 0.5)}")


def _further(cost: Cost, one: float) -> float:
    return (cost.nodes * cost.proportional - one) / (cost.nodes - 1)


def _verdict(value: float, aim: float) -> str:
    return f"  aim <= {aim}: {'met' if value <= aim else 'MISSED'}"


def _write_docs(costs: list[Cost], cold: float) -> None:
    rows = "\n".join(
        f"| {cost.nodes} | {cost.seconds:.1f} | {cost.seconds / cold:.2f} "
        f"| {cost.proportional:.0f} | {cost.idle:.2f} |"
        for cost in costs
    )
    head = "| nodes | seconds | of a cold boot | MiB a node | % of a core, idle |\n" + 5 * "|--:"
    (DOCS / "clones-growth.md").write_text(f"{_HEAD}{head}|\n{rows}\n", encoding="utf-8")
    points = [(cost.nodes, cost.seconds) for cost in costs]
    title = "Seconds until all clones answer (dashed: one cold boot)"
    plot = line_plot(title, ("nodes", "seconds"), points, cold)
    (DOCS / "clones-growth.svg").write_text(plot, encoding="utf-8")


if __name__ == "__main__":
    main()
