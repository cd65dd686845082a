# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin's parts, compiled into programs that run without QEMU."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"]


def build(folder: Path, program: str, *parts: str) -> Path:
    """Compile tests/unit/`program`.c with `parts` of the plugin."""
    sources = [ROOT / "plugin" / part for part in parts]
    target = folder / program
    source = ROOT / "tests" / "unit" / f"{program}.c"
    include = f"-I{ROOT / 'plugin'}"
    subprocess.run(["gcc", *FLAGS, include, "-o", target, source, *sources], check=True)
    return target
