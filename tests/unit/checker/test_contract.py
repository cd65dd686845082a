# SPDX-License-Identifier: GPL-2.0-or-later
"""Names and numbers that the analyser, the plugin and the Python side share are the same."""

import re
import subprocess

from famulus.checker.report.model import KINDS, NOTES
from famulus.coherence.caches import EVICTIONS
from tests.places import ROOT
from tests.unit.checker import checker


def printed(option: str) -> list[str]:
    """The lines that the analyser prints for `option`."""
    argv = [str(checker.analyser()), option]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=checker.TIMEOUT)
    return done.stdout.splitlines()


def enumerators(header: str, name: str) -> list[str]:
    """The names in the C enumeration `name` of a header, which all have the next number."""
    text = (ROOT / "native" / "include" / header).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    (body,) = re.findall(rf"enum {name} {{(.*?)}}", text, re.DOTALL)
    assert "=" not in body
    return [part.strip() for part in body.split(",") if part.strip()]


def test_reports_know_all_kinds_of_defects():
    assert printed("--kinds") == list(KINDS)
    assert set(NOTES) < set(KINDS)


def test_evictions_have_the_numbers_of_the_plugin():
    names = enumerators("shared.h", "shared_eviction")
    assert [name.removeprefix("EVICT_").lower() for name in names] == list(EVICTIONS)


def test_all_events_have_names():
    names = enumerators("stream.h", "stream_event_kind")
    assert len(names) == len(printed("--events")) == len(checker.KINDS)
    pairs = zip(names, checker.KINDS, strict=True)
    assert [name for name, kind in pairs if not name.lower().endswith(kind)] == []


def test_an_unknown_option_is_an_error(tmp_path):
    for words in (["--first", "1", tmp_path], ["--live", "often", tmp_path], [], [tmp_path, "x"]):
        argv = [str(checker.analyser()), *map(str, words)]
        done = subprocess.run(argv, check=False, capture_output=True, timeout=checker.TIMEOUT)
        assert done.returncode == 2
        assert done.stderr.startswith(b"usage: ")
