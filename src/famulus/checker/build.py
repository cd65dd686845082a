# SPDX-License-Identifier: GPL-2.0-or-later
"""Compile the analyser for the host and the launcher for nodes, once for each digest."""

from dataclasses import dataclass
from pathlib import Path

from famulus.base import compiled, paths
from famulus.base.paths import source_folder

_FLAGS = ("-std=gnu11", "-O2", "-flto", "-g", "-Wall", "-Wextra")


@dataclass(frozen=True)
class Tools:
    """The compiled programs: `analyser` for the host, `launcher` for nodes of any Debian suite."""

    analyser: Path
    launcher: Path


def ensure() -> Tools:
    """Return both programs, see `compiled.ensure`."""
    folder = compiled.ensure(paths.home() / "check", _programs())
    return Tools(folder / "famulus-analyser", folder / "launch")


def _programs() -> compiled.Programs:
    folders = ("analyser", "include", "launcher")
    sources = tuple(path for name in folders for path in sorted((_native() / name).glob("*.[ch]")))
    return compiled.Programs("the checker", _FLAGS, sources, compile_arguments)


def compile_arguments(folder: Path) -> list[list[str]]:
    """Return the command lines that compile both programs into `folder`. Pure.

    The launcher is static because nodes may have an older C library than the host.
    """
    include = f"-I{_native() / 'include'}"
    analyser, launcher = str(folder / "famulus-analyser"), str(folder / "launch")
    return [
        ["gcc", *_FLAGS, include, "-o", analyser, *_units("analyser")],
        ["gcc", *_FLAGS, include, "-static", "-o", launcher, *_units("launcher")],
    ]


def _units(program: str) -> list[str]:
    return [str(path) for path in sorted((_native() / program).glob("*.c"))]


def _native() -> Path:
    return source_folder("native")
