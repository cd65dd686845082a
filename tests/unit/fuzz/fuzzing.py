# SPDX-License-Identifier: GPL-2.0-or-later
"""Run thousands of mutated inputs, each a case with a number, in a process without rights.

The number of a case is its seed: equal numbers make equal inputs. A failure names the numbers, and
`FUZZ_CASE=NUMBER` runs a single case again. `FUZZ_FIRST=NUMBER` is the number of the first case:
another campaign tries other inputs.
"""

import os
import pickle
import random
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from famulus.base.errors import FamulusError
from tests.unit.fuzz.guard import Border, guard

Case = Callable[[random.Random], None]

CPU, WALL = 20, 300  # seconds of one case, on a busy host
MEMORY = 1 << 30  # bytes that cases may take more than the process has at the beginning
KINDS = 5  # of failures that one run reports

MANY = 100_000  # cases of the campaign


def few_or_many(few: int = 500) -> pytest.MarkDecorator:
    """Run a test with `few` cases each time, and with many in the campaign."""
    many = pytest.param(MANY, id="many", marks=pytest.mark.campaign("fuzz"))
    return pytest.mark.parametrize("count", [pytest.param(few, id="few"), many])


class Failure(NamedTuple):
    """A case that failed, with its traceback."""

    number: int
    text: str


class Slow(BaseException):
    """The case has taken too long."""


def numbers(count: int) -> range:
    """Return the numbers of the cases: `count` of them, or the one of $FUZZ_CASE."""
    if "FUZZ_CASE" in os.environ:
        number = int(os.environ["FUZZ_CASE"])
        return range(number, number + 1)
    first = int(os.environ.get("FUZZ_FIRST", "0"))
    return range(first, first + count)


def fuzz(count: int, folder: Path, case: Case) -> None:
    """Call `case` with a source of random numbers for each number of a case.

    The calls run in a child process, in which nothing outside of `folder` can be changed and no
    program runs: a case that comes so far ends there. A case fails with any exception but
    FamulusError, and if it takes too much time or memory.
    """
    report, at = folder / "report", folder / "at"
    at.touch()
    child = os.fork()
    if not child:
        _run_and_exit(count, folder, case)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"case {at.read_text()} ended the process: {status}"
    failures: list[Failure] = pickle.loads(report.read_bytes())
    shown = "\n".join(f"FUZZ_CASE={failure.number}\n{failure.text}" for failure in failures)
    assert not failures, shown


def _run_and_exit(count: int, folder: Path, case: Case) -> None:
    code = 1
    try:
        sys.dont_write_bytecode = True
        os.environ["TMPDIR"] = str(folder)
        os.chdir(folder)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        for number in (signal.SIGALRM, signal.SIGPROF):
            signal.signal(number, _slow)
        with (folder / "report").open("wb") as report, (folder / "at").open("w") as at:
            guard(folder)
            pickle.dump(_failures(count, at.fileno(), case), report)
        code = 0
    except BaseException:  # noqa: BLE001 - the child must not go on as pytest
        traceback.print_exc()
    finally:
        os._exit(code)


def _failures(count: int, at: int, case: Case) -> list[Failure]:
    found: dict[str, Failure] = {}
    for number in numbers(count):
        os.pwrite(at, f"{number:20}".encode(), 0)
        failure, kind = _try(number, case)
        if failure:
            found.setdefault(kind, failure)
        if len(found) == KINDS:
            break
    return list(found.values())


def _try(number: int, case: Case) -> tuple[Failure | None, str]:
    """Return the failure of a case, and its kind: the exception and the place that raised it."""
    try:
        signal.setitimer(signal.ITIMER_REAL, WALL)
        signal.setitimer(signal.ITIMER_PROF, CPU)
        case(random.Random(number))
    except (FamulusError, Border):
        return None, ""
    except BaseException as error:  # noqa: BLE001 - an interrupt, too, is not an answer to an input
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = "".join(traceback.format_exception(error)[-12:])
        return Failure(number, text), f"{type(error)} {place.filename} {place.lineno}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None, ""


def _slow(_number: int, _frame: object) -> None:
    raise Slow
