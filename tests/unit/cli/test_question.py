# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions: the answers yes, no, nonsense, and no answer at all."""

import io
import sys

import pytest

from famulus.cli.question import ask, asker


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("yes\n", True),
        ("Y\n", True),
        ("no\n", False),
        ("n\n", False),
        ("perhaps\n\nyes\n", True),
        ("", False),
        ("perhaps\n", False),
    ],
)
def test_answer_is_read(
    typed: str, answer: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert ask("Go on") is answer
    assert capsys.readouterr().err.startswith("Go on (yes/no)? ")


def test_yes_for_every_question_reads_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert asker(yes=True)("Go on")
