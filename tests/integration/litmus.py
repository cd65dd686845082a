# SPDX-License-Identifier: GPL-2.0-or-later
"""Read litmus tests (tests/corpus/litmus/README.md), run them on nodes, judge the outcomes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.integration.cli import Cli
from tests.places import LITMUS_CORPUS

FOLDER = LITMUS_CORPUS
MIB = 1 << 20
NOT_SEEN = "was not seen"

Outcome = Mapping[str, int]


@dataclass(frozen=True)
class Litmus:
    """A litmus test: the number of nodes, and outcomes by kind (must, may, model, never).

    `ends` are words of `famulus node` that end a node between two phases, as ("kill", "1").
    """

    path: Path
    nodes: int
    outcomes: Mapping[str, list[Outcome]]
    atomics: str = "coherent"
    ends: tuple[tuple[str, str], ...] = ()

    def allowed(self, outcome: Outcome) -> bool:
        allowed = any(
            _is(outcome, one) for kind in ("must", "may", "model") for one in self.outcomes[kind]
        )
        return allowed and not any(_is(outcome, one) for one in self.outcomes["never"])


def read(path: Path) -> Litmus:
    nodes, atomics, ends = 0, "coherent", []
    outcomes: dict[str, list[Outcome]] = {"must": [], "may": [], "model": [], "never": []}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition("#")[0].strip().partition(" ")
        if word == "node":
            nodes = max(nodes, int(rest))
        elif word == "atomics":
            atomics = rest
        elif word in ("kill", "stop"):
            ends.append((word, rest))
        elif word in outcomes:
            outcomes[word].append(_outcome(rest.split()))
    return Litmus(path, nodes, outcomes, atomics, tuple(ends))


def judge(litmus: Litmus, seen: Iterable[Outcome]) -> tuple[Counter[str], list[str]]:
    """Return the count of each outcome, and up to three wrong and all missing outcomes."""
    found = list(seen)
    counts = Counter(" ".join(f"{key}={one[key]}" for key in sorted(one)) for one in found)
    wrong = [f"may not be seen: {one}" for one in found if not litmus.allowed(one)]
    missing = [
        f"{NOT_SEEN}: {one}"
        for one in litmus.outcomes["must"]
        if not any(_is(outcome, one) for outcome in found)
    ]
    return counts, wrong[:3] + missing


def run(cli: Cli, litmus: Litmus, runs: int, place: int, start: int) -> list[Outcome]:
    """Run a litmus test at `place` MiB in the pool, and return the outcome of each run.

    From start 1 on, one node after the other is late in all runs of a start.
    """
    for node in range(1, litmus.nodes + 1):
        cli.ok("cp", str(litmus.path), f"{node}:{litmus.path.name}")
    cli.ok("pool", "clear", f"{place * MIB:#x}", str(8 * MIB), "--yes")
    parts = _phase(cli, litmus, runs, place, phase=0, start=start)
    for phase, (verb, which) in enumerate(litmus.ends, 1):
        cli.node(int(which), "sync")  # its disk keeps the test
        cli.ok("node", verb, which)
        cli.ok("up")
        parts += _phase(cli, litmus, runs, place, phase=phase, start=start)
    return [_merged(part) for part in zip(*parts, strict=True)]


def _phase(
    cli: Cli, litmus: Litmus, runs: int, place: int, *, phase: int, start: int
) -> list[list[Outcome]]:
    def on(node: int) -> list[Outcome]:
        words = (f"~/{litmus.path.name}", node, litmus.nodes, runs, place * MIB, phase, start)
        command = " ".join(map(str, ("sudo", "./litmus", *words)))
        lines = cli.ok("ssh", str(node), "--", command).splitlines()
        return [_outcome(line.split()[1:]) for line in lines]

    with ThreadPoolExecutor(litmus.nodes) as threads:
        return list(threads.map(on, range(1, litmus.nodes + 1)))


def _merged(parts: Iterable[Outcome]) -> Outcome:
    return {key: value for part in parts for key, value in part.items()}


def _outcome(words: Iterable[str]) -> Outcome:
    return {word.split("=")[0]: int(word.split("=")[1]) for word in words}


def _is(outcome: Outcome, wanted: Outcome) -> bool:
    return all(outcome.get(key) == value for key, value in wanted.items())
