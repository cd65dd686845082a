# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin's parts, compiled into programs that run without QEMU."""

import subprocess
from pathlib import Path

from tests.places import ROOT

HERE = Path(__file__).parent
PLUGIN = ROOT / "native" / "plugin"
FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"]


def build(folder: Path, program: str, *parts: str) -> Path:
    """Compile `program`.c of this folder with `parts` of the plugin."""
    sources = [PLUGIN / part for part in parts]
    target = folder / program
    source = HERE / f"{program}.c"
    include = [f"-I{PLUGIN}", f"-I{ROOT / 'native' / 'include'}"]
    subprocess.run(["gcc", *FLAGS, *include, "-o", target, source, *sources], check=True)
    return target
