# SPDX-License-Identifier: GPL-2.0-or-later
"""The worth and the cost of the driver: ratios of one run.

Memory: the pool through /dev/fam0 against anonymous memory of the same node, and against resource2.
Doorbell: a ring and its answer against a byte over TCP and back, between the same two nodes; and an
event of the library and its answer, where the library spins for a moment before it sleeps.
Costs: seconds and CPU seconds of 4 and 16 clones, and of a boot, with the driver and without, with
a doorbell and without.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.common import Famulus, run
from famulus.base.paths import home
from famulus.base.process import cpu_seconds

ROUNDS = 7
RUNS = 3
RINGS = 2000
FEW, CLONES = 4, 16
HERE = Path(__file__).parent
KINDS = ("write", "read", "random")
AIMS = {"write": 1.0, "read": 1.0, "random": 0.9}

# The command `famulus`, for nodes whose kernels do not take the driver.
BARE = """
import sys
from famulus.node import machine
from famulus.snapshot import key
machine.KERNEL_ARGUMENTS += ("module_blacklist=famulus",)
key.KERNEL_ARGUMENTS += ("module_blacklist=famulus",)
from famulus.__main__ import main
main()
"""


def main() -> None:
    """Measure and print everything, or the named parts: memory, doorbell, costs."""
    famulus = Famulus("bench", home())
    wanted = sys.argv[1:] or ["memory", "doorbell", "costs"]
    if {"memory", "doorbell"} & set(wanted):
        famulus("up", "2", "--memory", "1G", "--pool", "1G", "--doorbell")
        measure(famulus, wanted)
        famulus("down", "--purge")
    if "costs" in wanted:
        costs(famulus)


def measure(famulus: Famulus, wanted: Sequence[str]) -> None:
    """Measure memory and doorbell in the running nodes."""
    for name in ("driver_memory", "driver_ring"):
        for node in ("1", "2"):
            famulus("cp", str(HERE / f"{name}.c"), f"{node}:")
            famulus("ssh", node, "--", f"gcc -O2 -o {name} {name}.c -lfamulus")
    if "memory" in wanted:
        for mib in (64, 512):
            memory(famulus, mib)
    if "doorbell" in wanted:
        doorbell(famulus)


def memory(famulus: Famulus, mib: int) -> None:
    """Print the ratios of speeds for `mib` MiB: medians over rounds, each a ratio of neighbours."""
    printed = famulus("ssh", "1", "--", f"sudo ./driver_memory {mib} {ROUNDS}")
    rows = [line.split() for line in printed.splitlines()]
    speeds = {
        name: [_speeds(row) for row in rows if row[0] == name]
        for name in ("anonymous", "fam0", "resource2")
    }
    for base in ("anonymous", "resource2"):
        for kind in KINDS:
            pairs = zip(speeds["fam0"], speeds[base], strict=True)
            ratio = statistics.median(ours[kind] / theirs[kind] for ours, theirs in pairs)
            aim = _verdict(ratio >= AIMS[kind], f">= {AIMS[kind]}") if base == "anonymous" else ""
            print(f"{mib} MiB, {kind}: fam0 / {base} = {ratio:.2f}{aim}", flush=True)
    for name, values in speeds.items():
        middle = [statistics.median(value[kind] for value in values) for kind in KINDS]
        text = f"{middle[0]:.0f} and {middle[1]:.0f} MB/s, {1000 / middle[2]:.0f} ns"
        print(f"  {name}: {text}")


def _speeds(row: Sequence[str]) -> Mapping[str, float]:
    """Return MB/s, MB/s, and loads a microsecond: more is better for each."""
    return {"write": float(row[1]), "read": float(row[2]), "random": 1000 / float(row[3])}


def doorbell(famulus: Famulus) -> None:
    """Print the time of a ring and its answer over the time of TCP."""
    own, peer = (famulus.status()["nodes"][index]["address"] for index in (0, 1))
    tcp, bell, event = [], [], []
    for _ in range(RUNS):  # in turn: a busy host slows down all ways alike
        tcp += _round_trips(famulus, f"tcp-echo {peer} {RINGS}", f"tcp {peer} {RINGS}")
        bell += _round_trips(famulus, f"bell-echo 1 {RINGS}", f"bell 2 {RINGS}")
        event += _round_trips(famulus, f"event-echo - {RINGS}", f"event - {RINGS}")
    theirs = statistics.median(tcp)
    for way, taken in (
        ("doorbell, each by an interrupt", bell),
        ("event, which spins first", event),
    ):
        ours = statistics.median(taken)
        aim = _verdict(ours / theirs <= 0.2, "<= 0.2")  # noqa: PLR2004
        ratio = f"{ours:.0f} / {theirs:.0f} us = {ours / theirs:.3f}"
        print(f"{way} / TCP ({own} to {peer}): {ratio}{aim}")


def _round_trips(famulus: Famulus, there: str, here: str) -> list[float]:
    env = {**os.environ, "FAMULUS_HOME": str(famulus.home), "FAMULUS_FABRIC": famulus.fabric}
    argv = [sys.executable, "-m", "famulus", "ssh", "2", "--", f"timeout 120 ./driver_ring {there}"]
    with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL) as echo:
        try:
            return [float(line) for line in famulus("ssh", "1", "--", _patient(here)).split()]
        finally:
            famulus("ssh", "2", "--", "killall -q driver_ring || true")
            echo.wait()


def _patient(here: str) -> str:
    """Try again until the other side listens."""
    return (
        f"for i in $(seq 50); do ./driver_ring {here} 2> /dev/null && exit; sleep 0.2; done; false"
    )


def costs(famulus: Famulus) -> None:
    """Print the cost of a boot and of a clone: with the driver, without, and with a doorbell."""
    ways = {
        "no driver": (BARE, "--no-doorbell"),
        "driver": ("", "--no-doorbell"),
        "driver and doorbell": ("", "--doorbell"),
    }
    for nodes, how in ((FEW, "--clone"), (CLONES, "--clone"), (1, "--cold")):
        for (
            code,
            _,
        ) in ways.values():  # warm up: make snapshots, read programs into the host's memory
            _start(famulus, code, "1", how)
        spent: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(RUNS):
            for way, (code, flag) in ways.items():
                spent[way].append(_start(famulus, code, str(nodes), how, flag))
        for index, what in enumerate(("s", f"CPU s of {nodes}")):
            _compare(
                f"up {nodes} {how}", what, {way: [one[index] for one in spent[way]] for way in ways}
            )


def _compare(verb: str, what: str, spent: Mapping[str, list[float]]) -> None:
    """Print the medians, all values, and each median's ratio to the first."""
    base = statistics.median(next(iter(spent.values())))
    for way, values in spent.items():
        middle = statistics.median(values)
        shown = ", ".join(f"{value:.2f}" for value in values)
        print(f"{verb}, {way}: {middle:.2f} {what} ({shown}), {middle / base:.3f}", flush=True)


def _start(famulus: Famulus, code: str, *words: str) -> tuple[float, float]:
    """Return the seconds of `up`, and the CPU seconds of the nodes' QEMUs until its end."""
    env = {**os.environ, "FAMULUS_HOME": str(famulus.home), "FAMULUS_FABRIC": famulus.fabric}
    how = ["-c", code] if code else ["-m", "famulus"]
    start = time.monotonic()
    run([sys.executable, *how, "up", *words, "--pool", "64M"], env=env)
    taken = time.monotonic() - start
    used = sum(cpu_seconds(node["pid"]) for node in famulus.status()["nodes"])
    famulus("down", "--purge", "--force")
    return taken, used


def _verdict(met: bool, aim: str) -> str:
    return f"  aim {aim}: {'met' if met else 'MISSED'}"


if __name__ == "__main__":
    main()
