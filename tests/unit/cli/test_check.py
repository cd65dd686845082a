# SPDX-License-Identifier: GPL-2.0-or-later
"""The requests that `famulus check` refuses before any program runs."""

import sys
from pathlib import Path

import pytest

from famulus.cli.main import main

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
    monkeypatch.setattr(sys, "argv", ["famulus", "check", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(Path(tmp_path, "home").glob("fabrics/*"))
