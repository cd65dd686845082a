# SPDX-License-Identifier: GPL-2.0-or-later
"""Units of C programs depend on each other in one direction only: `nm` finds no circle."""

import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT

_INCLUDE = [
    f"-I{ROOT / folder}"
    for folder in ("native/include", "native/plugin", "guest/lib/include", "guest/driver")
]
_PROGRAMS = {
    "analyser": ("native/analyser",),
    "plugin": ("native/plugin", "native/caches"),
    "launcher": ("native/launcher",),
    "agent": ("guest/agent",),
    "library": ("guest/lib",),
}
_CIRCULAR = ("analyser", "plugin", "library")  # to be cut; empty at the end


def programs() -> list[Any]:
    cut = pytest.mark.xfail(strict=True)
    return [pytest.param(name, marks=cut if name in _CIRCULAR else ()) for name in _PROGRAMS]


def units(folders: tuple[str, ...]) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).glob("*.c"))]


def symbols(made: Path) -> tuple[set[str], set[str]]:
    """The functions and variables that an object file defines, and those that it uses."""
    argv = ["nm", "--extern-only", "--format=posix", str(made)]
    rows = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    kinds = [row.split()[:2] for row in rows]
    return {name for name, kind in kinds if kind != "U"}, {
        name for name, kind in kinds if kind == "U"
    }


def dependencies(folder: Path, sources: list[Path]) -> dict[str, set[str]]:
    """The units that each unit uses, by file name."""
    found = {}
    for source in sources:
        made = folder / f"{source.stem}.o"
        flags = ["-std=gnu11", "-O0", "-fPIC", "-c", *_INCLUDE]
        subprocess.run(["gcc", *flags, source, "-o", made], check=True)
        found[source.name] = symbols(made)
    owner = {name: unit for unit, (defined, _) in found.items() for name in defined}
    return {
        unit: {owner[name] for name in used & owner.keys()} for unit, (_, used) in found.items()
    }


@pytest.mark.parametrize("program", programs())
def test_units_form_no_circle(program: str, tmp_path: Path):
    sources = units(_PROGRAMS[program])
    assert sources
    try:
        TopologicalSorter(dependencies(tmp_path, sources)).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")
