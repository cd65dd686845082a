# SPDX-License-Identifier: GPL-2.0-or-later
"""Every verb that starts, stops, shows or uses a fabric gives the command line's hooks to it."""

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from famulus import fabric as room
from famulus.base.events import Events
from famulus.checker.analyser_service import AnalyserService
from famulus.checker.command import traced
from famulus.checker.hooks import CHECKER
from famulus.cli import hooks as composed
from famulus.fabric.down import down
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import Hooks
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from tests.places import ROOT

CLI = ROOT / "src" / "famulus" / "cli"
FILES = sorted(CLI.glob("*.py"))


def functions() -> Iterator[tuple[str, str]]:
    """Module and name of each function of fabric/ that takes hooks."""
    for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        for name, found in inspect.getmembers(import_module(module.name), inspect.isfunction):
            if found.__module__ == module.name and "hooks" in inspect.signature(found).parameters:
                yield module.name, name


FUNCTIONS = tuple(functions())


def imported(file: Path) -> set[tuple[str, str]]:
    """Module and name of each object that the file imports by name."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    found = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return {(node.module or "", alias.name) for node in found for alias in node.names}


VERBS = [file for file in FILES if imported(file) & set(FUNCTIONS)]


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_the_hooks_cannot_be_left_out(module, name):
    parameter = inspect.signature(getattr(import_module(module), name)).parameters["hooks"]
    assert parameter.annotation is Hooks
    assert parameter.default is inspect.Parameter.empty


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_verb_takes_the_hooks_from_one_place(file: Path):
    text = file.read_text(encoding="utf-8")
    assert "famulus.fabric.hooks" not in text
    assert file.name == "hooks.py" or "famulus.checker.hooks" not in text


def test_verbs_that_start_or_stop_nodes_are_among_those_that_pass_hooks():
    assert {"down", "execute", "node", "up"} <= {file.stem for file in VERBS}


@pytest.mark.parametrize("file", [*VERBS, CLI / "ssh.py"], ids=lambda file: file.stem)
def test_a_verb_uses_the_hooks(file):
    assert ("famulus.cli.hooks", "HOOKS") in imported(file)


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
