# SPDX-License-Identifier: GPL-2.0-or-later
"""Compile units of native/ into programs that run without QEMU."""

import subprocess
from pathlib import Path

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
