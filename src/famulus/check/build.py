# SPDX-License-Identifier: GPL-2.0-or-later
"""The analyser on the host and the launcher for nodes: compiled once, found by a digest."""

from dataclasses import dataclass
from pathlib import Path

from famulus import compiled, paths
from famulus.paths import source_folder

_FLAGS = ("-std=gnu11", "-O2", "-flto", "-g", "-Wall", "-Wextra")


@dataclass(frozen=True)
class Tools:
    """What was compiled: `analyser` for the host, `launcher` for nodes of any Debian suite."""

    analyser: Path
    launcher: Path


def ensure() -> Tools:
    """Return both programs, see `compiled.ensure`."""
    folder = compiled.ensure(paths.home() / "check", _programs())
    return Tools(folder / "famulus-analyser", folder / "launch")


def _programs() -> compiled.Programs:
    own = [path for name in ("analyser", "launcher") for path in source_folder(name).glob("*.[ch]")]
    sources = (*sorted(own), source_folder("plugin") / "stream.h")
    return compiled.Programs("the checker", _FLAGS, sources, compile_arguments)


def compile_arguments(folder: Path) -> list[list[str]]:
    """Return the command lines that make both programs in `folder`. Pure.

    The launcher is static: nodes may have an older C library than the host.
    """
    analyser = [str(path) for path in sorted(source_folder("analyser").glob("*.c"))]
    launcher = str(source_folder("launcher") / "launch.c")
    return [
        ["gcc", *_FLAGS, "-o", str(folder / "famulus-analyser"), *analyser],
        ["gcc", *_FLAGS, "-static", "-o", str(folder / "launch"), launcher],
    ]
