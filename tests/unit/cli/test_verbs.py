# SPDX-License-Identifier: GPL-2.0-or-later
"""Each verb is loaded when it is called, and only then."""

import subprocess
import sys

import pytest

from famulus.cli.main import main
from famulus.cli.verbs import _VERBS


def famulus(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["famulus", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.mark.parametrize("verb", _VERBS)
def test_verb_is_there_and_tells_what_it_does(verb, monkeypatch, capsys):
    assert famulus(monkeypatch, verb, "--help") == 0
    assert f"famulus {verb}" in capsys.readouterr().out


def test_all_verbs_are_listed(monkeypatch, capsys):
    assert famulus(monkeypatch, "--help") == 0
    listed = capsys.readouterr().out
    assert all(f"│ {verb} " in listed for verb in _VERBS)


def test_a_verb_that_is_not_there_is_compared_with_those_that_are(monkeypatch, capsys):
    assert famulus(monkeypatch, "stauts") == 2
    assert "Did you mean 'status'" in capsys.readouterr().err


def test_a_negative_number_of_nodes_is_no_option(monkeypatch, capsys):
    assert famulus(monkeypatch, "up", "-1") == 2
    assert "a whole number from 1 to 64, not '-1'" in capsys.readouterr().err


def test_no_verb_is_loaded_before_it_is_called():
    code = "import sys, famulus.cli.main; print([m for m in sys.modules if 'famulus.fabric' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
