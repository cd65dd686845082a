# SPDX-License-Identifier: GPL-2.0-or-later
"""Names and numbers that the analyser, the plugin and the Python side share are the same."""

import subprocess

from famulus.checker.report.model import KINDS, NOTES
from tests.unit.checker import checker
from tests.unit.native import headers
from tests.unit.timeouts import TIMEOUT


def printed(option: str) -> list[str]:
    """The lines that the analyser prints for `option`."""
    argv = [str(checker.analyser()), option]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=TIMEOUT)
    return done.stdout.splitlines()


def test_reports_know_all_kinds_of_defects():
    assert printed("--kinds") == list(KINDS)
    assert set(NOTES) < set(KINDS)


def test_all_events_have_names():
    numbers = headers.enumerators("include/stream.h", "STREAM_NONE")
    names = list(numbers)
    assert list(numbers.values()) == list(range(len(names)))
    assert len(names) == len(printed("--events")) == len(checker.KINDS)
    pairs = zip(names, checker.KINDS, strict=True)
    assert [name for name, kind in pairs if not name.lower().endswith(kind)] == []


def test_an_unknown_option_is_an_error(tmp_path):
    for words in (["--first", "1", tmp_path], ["--live", "often", tmp_path], [], [tmp_path, "x"]):
        argv = [str(checker.analyser()), *map(str, words)]
        done = subprocess.run(argv, check=False, capture_output=True, timeout=TIMEOUT)
        assert done.returncode == 2
        assert done.stderr.startswith(b"usage: ")
