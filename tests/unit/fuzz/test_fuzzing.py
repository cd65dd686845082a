# SPDX-License-Identifier: GPL-2.0-or-later
"""The runner of fuzz targets finds every failure that it looks for, and names the case."""

import os
import signal
import subprocess
from pathlib import Path
from random import Random

import pytest

from famulus.base.errors import FamulusError
from tests.unit.fuzz import fuzzing
from tests.unit.fuzz.fuzzing import Case, fuzz


@pytest.fixture(autouse=True)
def numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FUZZ_CASE", "FUZZ_FIRST"):
        monkeypatch.delenv(name, raising=False)


def _refuses(_rng: Random) -> None:
    raise FamulusError("no")


def _runs_a_program(_rng: Random) -> None:
    subprocess.run(["false"], check=True)


def _talks(_rng: Random) -> None:
    os.kill(os.getppid(), signal.SIGTERM)


@pytest.mark.parametrize("case", [_refuses, _runs_a_program, _talks, lambda rng: rng.random()])
def test_an_answer_is_no_failure(case: Case, tmp_path: Path):
    fuzz(3, tmp_path, case)


def _raises(_rng: Random) -> None:
    raise ValueError


def _writes(_rng: Random) -> None:
    Path("../outside").write_text("x")


def _removes(_rng: Random) -> None:
    Path("/nothing/at/all").unlink()


def _hangs(_rng: Random) -> None:
    while True:
        pass


def _waits(_rng: Random) -> None:
    signal.pause()


def _takes_memory(_rng: Random) -> None:
    bytearray(2 * fuzzing.MEMORY)


def _dies(_rng: Random) -> None:
    os._exit(3)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (_raises, "ValueError"),
        (_writes, "Outside: /"),
        (_removes, "Outside: /nothing/at/all"),
        (_hangs, "Slow"),
        (_waits, "Slow"),
        (_takes_memory, "MemoryError"),
        (_dies, "ended the process: 3"),
    ],
)
def test_a_failure_is_named(case: Case, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fuzzing, "CPU", 0.2)
    monkeypatch.setattr(fuzzing, "WALL", 2)

    def fifth(rng: Random) -> None:
        if rng.random() == Random(4).random():
            case(rng)

    with pytest.raises(AssertionError) as caught:
        fuzz(9, tmp_path, fifth)
    assert text in str(caught.value)
    assert "4" in str(caught.value)
    assert not (tmp_path.parent / "outside").exists()


def test_a_single_case_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FUZZ_CASE", "7")
    with pytest.raises(AssertionError, match="FUZZ_CASE=7"):
        fuzz(9, tmp_path, _raises)


def test_another_campaign_has_other_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FUZZ_FIRST", "100")
    with pytest.raises(AssertionError, match="FUZZ_CASE=100"):
        fuzz(9, tmp_path, _raises)
