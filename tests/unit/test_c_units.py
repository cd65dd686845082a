# SPDX-License-Identifier: GPL-2.0-or-later
"""Units of C programs depend on each other in one direction only: their symbols form no circle."""

import re
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
_CIRCULAR = ("plugin",)  # to be cut; empty at the end


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
    return _by_owner(found)


def _by_owner(found: dict[str, tuple[set[str], set[str]]]) -> dict[str, set[str]]:
    owner = {name: unit for unit, (defined, _) in found.items() for name in defined}
    return {
        unit: {owner[name] for name in used & owner.keys() - defined}
        for unit, (defined, used) in found.items()
    }


# A function with its body, or a variable with its initial value, that other units can see.
_DEFINITION = re.compile(
    r"^(?!static\b|typedef\b|#)\w[\w \t*]*?\b(\w+)\s*(?:\([^;{}]*\)\s*\{|(?:\[\w*\]\s*)?=)",
    re.MULTILINE,
)
_NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"', re.DOTALL)


def dependencies_in_text(sources: list[Path]) -> dict[str, set[str]]:
    """The same, read from the sources: the driver compiles only beside a kernel's headers.

    A unit uses what another one defines if the name stands in it. A local name that is equal to a
    function of another unit would look like a use: that fails a test too much, never too little.
    """
    found = {}
    for source in sources:
        code = _NO_CODE.sub(" ", source.read_text(encoding="utf-8"))
        found[source.name] = set(_DEFINITION.findall(code)), set(re.findall(r"\w+", code))
    return _by_owner(found)


def _assert_no_circle(used: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(used).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("program", programs())
def test_units_form_no_circle(program: str, tmp_path: Path):
    sources = units(_PROGRAMS[program])
    assert sources
    _assert_no_circle(dependencies(tmp_path, sources))


def test_units_of_the_driver_form_no_circle():
    used = dependencies_in_text(units(("guest/driver",)))
    assert {"bell.c", "file.c", "listen.c", "mapping.c"} <= used["file.c"] | used["pci.c"]
    _assert_no_circle(used)


def test_the_text_of_sources_tells_at_least_what_nm_tells(tmp_path: Path):
    sources = units(_PROGRAMS["agent"])
    in_text = dependencies_in_text(sources)
    for unit, used in dependencies(tmp_path, sources).items():
        assert used <= in_text[unit]
