# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/setup`, a shell script, installs the programs that `famulus doctor` asks for."""

import re
import tomllib
from dataclasses import dataclass

import pytest

from famulus.backend.libvirt.host import PROGRAMS as LIBVIRT_PROGRAMS
from famulus.host.programs import CACHE_PROGRAMS, PROGRAMS, Program
from tests.places import ROOT

# Programs that setup asks for and doctor does not, each with the reason.
ONLY_IN_SETUP = {
    "newuidmap": "doctor names it in host/rootless.py, where user namespaces need it",
    "setpriv": "Debian's essential packages have it",
    "/usr/include/stdio.h": "doctor names the package with gcc",
    "@python": "doctor is written in Python",
    "@venv": "doctor is written in Python",
    "libvirtd": "doctor asks libvirtd itself, over its socket",
    "pkg-config": "libvirt-python is built with it",
    "/usr/include/libvirt/libvirt.h": "libvirt-python is built with it",
    "@python-headers": "libvirt-python is built with it",
}
# Programs that a package has beside the one that setup looks for.
ONLY_IN_DOCTOR = {"ssh-keygen": "ssh", "scp": "ssh"}


@dataclass(frozen=True)
class Row:
    """A line of a table in scripts/setup."""

    name: str
    minimum: str  # "" if every version will do
    package: str
    backports: bool


def table(name: str) -> dict[str, Row]:
    text = (ROOT / "scripts/setup").read_text()
    found = re.search(rf"^readonly {name}='\n(.*?)^'$", text, re.MULTILINE | re.DOTALL)
    assert found
    lines = (line.split() for line in found[1].splitlines())
    rows = [
        Row(name, minimum.removeprefix("-"), package, {"backports": True, "main": False}[where])
        for name, minimum, package, where in lines
    ]
    assert len({row.name for row in rows}) == len(rows)
    return {row.name: row for row in rows}


RUN, LIBVIRT, TEST = map(table, ("RUN_TABLE", "LIBVIRT_TABLE", "TEST_TABLE"))
ASKED_FOR = [
    *((program, RUN) for program in (*PROGRAMS, *CACHE_PROGRAMS)),
    *((program, LIBVIRT) for program in LIBVIRT_PROGRAMS),
]


@pytest.mark.parametrize(
    ("program", "rows"), [pytest.param(*pair, id=pair[0].name) for pair in ASKED_FOR]
)
def test_setup_installs_what_doctor_asks_for(program: Program, rows: dict[str, Row]):
    row = rows[ONLY_IN_DOCTOR.get(program.name, program.name)]
    assert {row.package} <= set(program.package.split()) <= {row.package for row in rows.values()}
    assert row.minimum == program.minimum.removesuffix(".0")
    assert row.backports == program.backports


def test_doctor_asks_for_what_setup_installs():
    asked = {program.name for program, _ in ASKED_FOR}
    assert asked - (RUN.keys() | LIBVIRT.keys()) == ONLY_IN_DOCTOR.keys()
    assert (RUN.keys() | LIBVIRT.keys()) - asked == ONLY_IN_SETUP.keys()
    assert not TEST.keys() & asked


def test_setup_names_what_the_source_of_backports_is_for():
    text = (ROOT / "scripts/setup").read_text()
    for program in PROGRAMS:
        if program.backports and program.minimum:
            name = "QEMU" if program.name.startswith("qemu") else program.package
            assert f"{name} {program.minimum.removesuffix('.0')}" in text


def test_setup_and_pyproject_ask_for_the_same_python_and_libvirt():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={RUN['@python'].minimum}"
    libvirt = f"libvirt-python>={LIBVIRT['libvirtd'].minimum}.0"
    assert project["optional-dependencies"]["libvirt"] == [libvirt]
    assert libvirt in project["optional-dependencies"]["dev"]
