# SPDX-License-Identifier: GPL-2.0-or-later
"""The requests that `famulus check` refuses before any program runs, and checks that fail."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from famulus.base.errors import FamulusError
from famulus.checker.analyser import AnalyserError
from tests.unit.command import famulus

REFUSED = [
    ((), "no program to check"),
    (("--fabric", "nobody"), "there is no fabric 'nobody'"),
    (("--sarif", "none/out.sarif", "--", "./program"), "there is no folder none for out.sarif"),
    (("--junit", "none/out.xml", "--", "./program"), "there is no folder none for out.xml"),
    (("--suppressions", "none", "--", "./program"), "none cannot be read"),
    (("--", "./program"), "there is no file"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_impossible_request_is_refused_and_leaves_no_fabric(
    words, message, monkeypatch, capsys, tmp_path
):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FAMULUS_FABRIC", raising=False)
    monkeypatch.chdir(tmp_path)
    assert famulus(monkeypatch, "check", *words) == 2
    assert message in capsys.readouterr().err
    assert not list(Path(tmp_path, "home").glob("fabrics/*"))


FAILURES = [
    (FamulusError("QEMU is too old"), 2, "could not run"),
    (AnalyserError("the checker has ended"), 4, "unknown"),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_check_that_fails_says_so_in_every_format(failure, monkeypatch, capsys, tmp_path):
    error, code, word = failure

    def fails(*_):
        raise error

    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("famulus.cli.check.run_check", fails)
    sarif, junit = tmp_path / "out.sarif", tmp_path / "out.xml"
    words = ["--json", "--sarif", str(sarif), "--junit", str(junit), "--", "./program"]
    assert famulus(monkeypatch, "check", *words) == code
    shown = json.loads(capsys.readouterr().out)
    assert (shown["verdict"], shown["exit_code"], shown["reasons"]) == (word, code, [error.brief])
    (run,) = json.loads(sarif.read_text())["runs"]
    assert run["invocations"][0]["exitCode"] == code
    suite = ET.parse(junit).getroot()
    assert (suite.get("errors"), suite.get("tests")) == ("1", "1")
