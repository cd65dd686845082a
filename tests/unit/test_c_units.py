# SPDX-License-Identifier: GPL-2.0-or-later
"""Units of C programs depend on each other in one direction only: their symbols form no circle."""

import re
import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.places import ROOT

_INCLUDE = [
    f"-I{ROOT / folder}"
    for folder in (
        "native/include",
        "native/shared",
        "native/plugin",
        "guest/lib/include",
        "guest/driver",
    )
]
_PROGRAMS = {
    "analyser": ("native/analyser",),
    "plugin": ("native/plugin", "native/shared"),
    "caches": ("native/caches", "native/shared"),
    "launcher": ("native/launcher",),
    "agent": ("guest/agent",),
    "library": ("guest/lib",),
}


def units(folders: tuple[str, ...]) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).glob("*.c"))]


def symbols(made: Path) -> tuple[set[str], set[str]]:
    """Return the functions and variables that an object file defines, and those that it uses."""
    argv = ["nm", "--extern-only", "--format=posix", str(made)]
    rows = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    kinds = [row.split()[:2] for row in rows]
    return {name for name, kind in kinds if kind != "U"}, {
        name for name, kind in kinds if kind == "U"
    }


def dependencies(folder: Path, sources: list[Path]) -> dict[str, set[str]]:
    """Return the units that each unit uses, by file name."""
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


# A function with its body, or a variable, that other units can see.
_DEFINITION = re.compile(
    r"^(?!(?:static|extern|typedef)\b|(?:struct|union|enum)\s+\w+;)"
    r"\w[\w \t*]*?\b(\w+)\s*(?:\([^;{}]*\)\s*\{|(?:\[[^\]]*\]\s*)?[=;])",
    re.MULTILINE,
)
_NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"', re.DOTALL)


def dependencies_in_text(sources: list[Path]) -> dict[str, set[str]]:
    """Return the same from the text of the sources: the driver needs a kernel's headers to compile.

    A unit depends on another one if its text has a name that the other one defines. A local
    variable with the name of another unit's function counts too: the test may fail needlessly, but
    it misses no circle.
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


@pytest.mark.parametrize("program", list(_PROGRAMS))
def test_units_form_no_circle(program: str, tmp_path: Path):
    sources = units(_PROGRAMS[program])
    assert sources
    used, in_text = dependencies(tmp_path, sources), dependencies_in_text(sources)
    if program != "library":  # a macro makes the definitions of its atomic.c
        assert all(used[unit] <= in_text[unit] for unit in used)
    _assert_no_circle(used)


def test_units_of_the_driver_form_no_circle():
    used = dependencies_in_text(units(("guest/driver",)))
    assert {"bell.c", "file.c", "listen.c", "mapping.c"} <= used["file.c"] | used["pci.c"]
    _assert_no_circle(used)
