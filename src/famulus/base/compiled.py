# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of ours in C that run on the host: compiled when first needed, found by a digest."""

import functools
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.run import run

_TIMEOUT = 120.0  # seconds for gcc, on a busy host
_HINT = "gcc and libc6-dev compile it; `scripts/setup` installs them."
_lock = threading.Lock()  # nodes start side by side


@dataclass(frozen=True)
class Programs:
    """What is compiled together: `what`, as messages name it, from `sources` with `flags`.

    `commands` returns the command lines that make it in a folder.
    """

    what: str
    flags: tuple[str, ...]
    sources: tuple[Path, ...]
    commands: Callable[[Path], list[list[str]]]


def ensure(root: Path, programs: Programs) -> Path:
    """Return the folder below `root` that has `programs`, compiled if it is not there.

    It is there whole or not at all, whoever else compiles it. Raises FamulusError with gcc's words
    if that fails.
    """
    folder = root / _digest(programs.flags, programs.sources)
    with _lock:
        if not folder.is_dir():
            _compile(programs, folder)
    return folder


def _compile(programs: Programs, folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    paths.make_private(part)
    try:
        for argv in programs.commands(part):
            run(argv, timeout=_TIMEOUT)
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another has made it meanwhile
                raise
    except FamulusError as error:
        raise FamulusError(
            f"{programs.what} cannot be made: {error.brief}",
            details=error.details,
            hint=error.hint or _HINT,
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


@functools.cache  # asked for at each use, by every node
def _digest(flags: tuple[str, ...], sources: tuple[Path, ...]) -> str:
    digest = hashlib.sha256(" ".join(flags).encode())
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
