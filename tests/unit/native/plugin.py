# SPDX-License-Identifier: GPL-2.0-or-later
"""Compile units of native/ into programs that run without QEMU."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import ROOT

HERE = Path(__file__).parent
NATIVE = ROOT / "native"
INCLUDE = [f"-I{NATIVE / name}" for name in ("include", "shared", "plugin")]
FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"]


def build(folder: Path, program: str, *units: str) -> Path:
    """Compile `program`.c of this folder with `units`, files below native/."""
    target = folder / program
    source = HERE / f"{program}.c"
    sources = [NATIVE / unit for unit in units]
    subprocess.run(["gcc", *FLAGS, *INCLUDE, "-o", target, source, *sources], check=True)
    return target


@pytest.fixture(scope="module", autouse=True)
def famulus_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A FAMULUS_HOME for all tests of a file, so that the C of the host is compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAMULUS_HOME", str(tmp_path_factory.mktemp("home")))
        yield
