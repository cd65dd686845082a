# SPDX-License-Identifier: GPL-2.0-or-later
"""The analyser on the host and the launcher for nodes: compiled once, found by a digest."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from famulus import paths
from famulus.errors import FamulusError
from famulus.run import run

_PACKAGE = Path(__file__).parents[1]
_LIMIT = 120.0  # seconds for gcc, on a busy host
_FLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra")


@dataclass(frozen=True)
class Tools:
    """What was compiled: `analyser` for the host, `launcher` for nodes of any Debian suite."""

    analyser: Path
    launcher: Path


def ensure() -> Tools:
    """Return both programs, compiled if they are not there; they are there whole or not at all.

    Raises FamulusError with gcc's words if that fails.
    """
    folder = paths.home() / "check" / _digest()
    tools = Tools(folder / "famulus-analyser", folder / "launch")
    if not folder.is_dir():
        _compile(folder)
    return tools


def _source(name: str) -> Path:
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _PACKAGE.parents[1] / name


def compile_arguments(folder: Path) -> list[list[str]]:
    """Return the command lines that make both programs in `folder`. Pure.

    The launcher is static: nodes may have an older C library than the host.
    """
    analyser = [str(path) for path in sorted(_source("analyser").glob("*.c"))]
    launcher = str(_source("launcher") / "launch.c")
    return [
        ["gcc", *_FLAGS, "-o", str(folder / "famulus-analyser"), *analyser],
        ["gcc", *_FLAGS, "-static", "-o", str(folder / "launch"), launcher],
    ]


def _compile(folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    paths.make_private(part)
    try:
        for argv in compile_arguments(part):
            run(argv, timeout=_LIMIT)
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another has made it meanwhile
                raise
    except FamulusError as error:
        raise FamulusError(
            f"the checker cannot be made: {error.brief}",
            details=error.details,
            hint=error.hint or "gcc and libc6-dev compile it; `scripts/setup` installs them.",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _digest() -> str:
    digest = hashlib.sha256(" ".join(_FLAGS).encode())
    stream = _source("plugin") / "stream.h"
    own = [path for name in ("analyser", "launcher") for path in _source(name).glob("*.[ch]")]
    for path in [*sorted(own), stream]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
