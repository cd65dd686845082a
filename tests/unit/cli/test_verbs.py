# SPDX-License-Identifier: GPL-2.0-or-later
"""The verbs: their help, their groups, and when they are loaded."""

import re
import subprocess
import sys
from typing import Any

import pytest

from famulus.base.errors import FamulusError
from famulus.cli.main import show_error
from famulus.cli.verbs import VERBS, _load
from tests.places import ROOT
from tests.unit.command import famulus

REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def commands(command: Any, path: str) -> dict[str, Any]:
    """Return `command`, or each command below it if it is a group, by its words."""
    if not hasattr(command, "commands"):
        return {path: command}
    found = (commands(below, f"{path} {name}") for name, below in command.commands.items())
    return {words: below for group in found for words, below in group.items()}


COMMANDS = {words: one for verb in VERBS for words, one in commands(_load(verb), verb).items()}


@pytest.mark.parametrize("words", COMMANDS)
def test_the_reference_has_each_verb(words):
    assert re.search(rf"^\|.*`{words}[` ].*\|$", REFERENCE, re.MULTILINE)


def test_the_reference_names_the_verbs_that_take_no_fabric():
    def takes_fabric(command: Any) -> bool:
        return any("--fabric" in parameter.opts for parameter in command.params)

    (sentence,) = re.findall(r"take no\s`--fabric`:(.*?)\.\n", REFERENCE, re.DOTALL)
    without = {words for words, command in COMMANDS.items() if not takes_fabric(command)}
    assert set(re.findall(r"`(.*?)`", sentence)) == without


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help_text(verb, monkeypatch, capsys):
    assert famulus(monkeypatch, verb, "--help") == 0
    shown = capsys.readouterr().out
    assert f"famulus {verb}" in shown
    assert "<bool>" not in shown


def test_help_lists_all_verbs_in_their_groups(monkeypatch, capsys):
    assert famulus(monkeypatch, "--help") == 0
    listed = capsys.readouterr().out
    assert all(f"│ {verb} " in listed for verb in VERBS)
    groups = ["Fabric", "Nodes", "Memory", "Checking", "Images", "Host"]
    places = [listed.index(f"╭─ {group} ─") for group in groups]
    assert places == sorted(places)
    assert "─ Commands ─" not in listed
    assert "<bool>" not in listed


def test_help_of_up_lists_its_options_in_groups(monkeypatch, capsys):
    assert famulus(monkeypatch, "up", "--help") == 0
    listed = capsys.readouterr().out
    groups = ["Options", "Machine", "Memory", "Network", "Coherence", "Packages"]
    places = [listed.index(f"╭─ {group} ─") for group in groups]
    assert places == sorted(places)
    assert places[1] < listed.index("│ --memory ") < places[2] < listed.index("│ --pool-file ")
    assert places[4] < listed.index("│ --check ") < places[5] < listed.index("│ --suite ")


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        ("ssh", "NODE [-- COMMAND...] Log in"),
        ("exec", "NODE -- COMMAND... Run"),
        ("check", "[-- PROGRAM [ARG]...] Run"),
        ("trace record", "FILE [-- PROGRAM [ARG]...] Record"),
    ],
)
def test_the_usage_line_has_the_further_words(words, usage, monkeypatch, capsys):
    assert famulus(monkeypatch, *words.split(), "--help") == 0
    shown = re.sub(r"[{}]", "", capsys.readouterr().out)  # some versions of Typer print {NODE}
    assert f"famulus {words} [OPTIONS] {usage}" in " ".join(shown.split())


@pytest.mark.parametrize("verb", ["ssh", "console"])
def test_help_of_a_verb_for_a_single_node_offers_no_list(verb, monkeypatch, capsys):
    assert famulus(monkeypatch, verb, "--help") == 0
    shown = capsys.readouterr().out
    assert "1, or fabric1." in shown
    assert "a list" not in shown


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_defaults_in_a_single_style(verb, monkeypatch, capsys):
    assert famulus(monkeypatch, verb, "--help") == 0
    assert "[default:" not in capsys.readouterr().out


def test_help_of_check_has_its_defaults_and_all_exit_codes(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    assert famulus(monkeypatch, "check", "--help") == 0
    shown = capsys.readouterr().out
    assert "Time limit of the program (default 300)." in shown
    for number, words in enumerate(("no defect", "a defect", "the program could not be run")):
        assert f"{number} {words}" in shown
    for number, word in ((3, "the program failed"), (4, "unknown")):
        assert f"{number} {word}" in " ".join(shown.split())


def test_for_an_unknown_verb_a_similar_one_is_suggested(monkeypatch, capsys):
    assert famulus(monkeypatch, "stauts") == 2
    assert "Did you mean 'status'" in capsys.readouterr().err


def test_a_negative_number_of_nodes_is_refused_as_a_number(monkeypatch, capsys):
    assert famulus(monkeypatch, "up", "-1") == 2
    assert "a whole number from 1 to 64, not '-1'" in capsys.readouterr().err


def test_verbs_are_not_loaded_with_the_command_line():
    """The settings, for which Python loads pydantic, are not loaded either."""
    code = (
        "import sys, famulus.cli.main; "
        "print([m for m in sys.modules if 'famulus.fabric' in m or m == 'pydantic'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_path_with_a_word_between_colons_is_printed_as_it_is(capsys):
    show_error(FamulusError("cannot read /a/:x:/b"))
    assert "/a/:x:/b" in capsys.readouterr().err
