# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers of the benchmarks: run a command, time the run, print ratios."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 1800.0  # seconds; a template is built in some runs


def run(argv: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str:
    """Run a command and return its standard output; a failure ends the benchmark."""
    done = subprocess.run(
        [str(word) for word in argv],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        stdin=subprocess.DEVNULL,
        env=env,
    )
    if done.returncode:
        sys.exit(f"{argv} failed with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@dataclass(frozen=True)
class Famulus:
    """The command `famulus` for one fabric under one FAMULUS_HOME."""

    fabric: str
    home: Path

    def __call__(self, *words: str) -> str:
        """Run a verb and return its standard output."""
        env = {**os.environ, "FAMULUS_HOME": str(self.home), "FAMULUS_FABRIC": self.fabric}
        return run([sys.executable, "-m", "famulus", *words], env=env)

    def status(self) -> dict[str, Any]:
        """Return `famulus status --json`."""
        found: dict[str, Any] = json.loads(self("status", "--json"))
        return found


def seconds(action: Callable[[], object]) -> float:
    """Return the seconds that `action` takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def median(action: Callable[[], float], times: int) -> float:
    """Return the median of the values that `action` returns in `times` runs."""
    return statistics.median(action() for _ in range(times))


def report(what: str, ours: float, theirs: float, aim: float | None = None) -> None:
    """Print a ratio of two times of this run, and the aim of the ratio."""
    ratio = ours / theirs
    verdict = "" if aim is None else f"  aim <= {aim}: {'met' if ratio <= aim else 'MISSED'}"
    print(f"{what}: {ours:.1f} s / {theirs:.1f} s = {ratio:.2f}{verdict}", flush=True)
