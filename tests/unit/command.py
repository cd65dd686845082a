# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line in the test's own process: a new process takes a third of a second."""

import sys

import pytest

from famulus.base import signals
from famulus.cli.main import main


def famulus(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run `famulus WORDS` and return its exit code. Signals stay with the test's process."""
    monkeypatch.setattr(signals, "receive", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["famulus", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)
