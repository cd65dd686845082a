# SPDX-License-Identifier: GPL-2.0-or-later
"""`doctor` looks at the host, whatever the settings say together."""

import json

import pytest

from tests.unit.command import famulus

CONTRADICTIONS = {
    'coherence = "none"': ("--network", "libvirt"),
    "check = true": ("--accel", "kvm"),
    'coherence = "none"\ncache = "64K"': (),
}


@pytest.fixture
def doctor(monkeypatch, tmp_path, capsys):
    """Run `doctor` beside a fabric.toml; return the exit code and both outputs."""
    monkeypatch.chdir(tmp_path)

    def run(toml: str, *words: str) -> tuple[int, str, str]:
        (tmp_path / "fabric.toml").write_text(toml)
        return famulus(monkeypatch, "doctor", *words), *capsys.readouterr()

    return run


@pytest.mark.parametrize("toml", CONTRADICTIONS)
def test_settings_that_exclude_each_other_are_a_finding(doctor, toml):
    code, out, _ = doctor(toml, *CONTRADICTIONS[toml], "--json")
    first, *others = json.loads(out)
    assert (code, first["name"], first["level"]) == (1, "settings", "error")
    assert first["cure"]
    assert {"accelerator", "memory", "pool"} <= {finding["name"] for finding in others}


def test_a_setting_that_is_wrong_by_itself_is_refused(doctor):
    code, out, error = doctor('coherence = "maybe"')
    assert (code, out) == (2, "")
    assert "coherence: must be full or none" in error


def test_settings_that_fit_together_are_no_finding(doctor):
    assert "settings" not in {finding["name"] for finding in json.loads(doctor("", "--json")[1])}
