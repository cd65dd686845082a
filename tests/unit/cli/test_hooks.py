# SPDX-License-Identifier: GPL-2.0-or-later
"""Every verb that starts, stops, shows or uses a fabric gives the command line's hooks to it."""

import inspect
from pathlib import Path

import pytest

from famulus.base.events import Events
from famulus.checker.analyser_service import AnalyserService
from famulus.checker.command import traced
from famulus.checker.hooks import CHECKER
from famulus.cli import hooks as composed
from famulus.fabric.demo import run_demo
from famulus.fabric.down import down, sweep
from famulus.fabric.execute import execute
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import Hooks
from famulus.fabric.start import reset, restart
from famulus.fabric.status import every_fabric, fabric_status
from famulus.fabric.up import up
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from tests.places import ROOT

CLI = ROOT / "src" / "famulus" / "cli"
FUNCTIONS = (down, every_fabric, execute, fabric_status, reset, restart, run_demo, sweep, up)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_hooks_cannot_be_left_out(function):
    parameter = inspect.signature(function).parameters["hooks"]
    assert parameter.annotation is Hooks
    assert parameter.default is inspect.Parameter.empty


@pytest.mark.parametrize("file", sorted(CLI.glob("*.py")), ids=lambda file: file.stem)
def test_a_verb_takes_the_hooks_from_one_place(file: Path):
    text = file.read_text(encoding="utf-8")
    assert "famulus.fabric.hooks" not in text
    assert file.name == "hooks.py" or "famulus.checker.hooks" not in text


@pytest.mark.parametrize("verb", ["demo", "down", "execute", "listing", "node", "ssh", "up"])
def test_a_verb_uses_the_hooks(verb):
    assert "HOOKS" in (CLI / f"{verb}.py").read_text(encoding="utf-8")


def test_the_checker_is_among_the_hooks():
    assert composed.HOOKS is CHECKER


def test_a_sweep_ends_the_checker_of_a_fabric_without_a_state(tmp_path, monkeypatch):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path))
    stopped: list[Path] = []
    monkeypatch.setattr(AnalyserService, "stop", lambda self: stopped.append(self.folder))
    folder = FabricFolder("unreadable")
    folder.path.mkdir(parents=True)
    down("unreadable", Events(), CHECKER, purge=True, force=True)
    assert stopped == [folder.checker]


@pytest.mark.parametrize("check", [True, False])
def test_a_command_is_traced_on_a_checked_fabric_only(check):
    spec = FabricSpec(check=check, coherence="none" if check else "full")
    fabric = Fabric(FabricFolder("f"), Record(spec, ""))
    assert CHECKER.wrap(fabric, ["ls"]) == (traced(["ls"]) if check else ["ls"])
    assert CHECKER.wrap(fabric, []) == []
    assert (CHECKER.checker(fabric) is None) is not check
