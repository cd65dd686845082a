# SPDX-License-Identifier: GPL-2.0-or-later
"""The versions that programs print, remembered: QEMU takes a tenth of a second to print its own."""

import contextlib
import json
import os
from pathlib import Path
from threading import Lock

from famulus.base import paths
from famulus.base.run import run

_TIMEOUT = 30.0  # seconds for `--version`, on a host that swaps
_lock = Lock()


def version_text(path: str, option: str = "--version") -> str:
    """Return everything that the program at `path` prints about its version.

    The text is remembered under FAMULUS_HOME until the program's file changes. Raises FamulusError
    if the program cannot be started.
    """
    status = Path(path).stat()
    key = f"{path} {option} {status.st_size} {status.st_mtime_ns}"
    known = _remembered()
    if key in known:
        return known[key]
    result = run([path, option], timeout=_TIMEOUT, check=False)
    text = result.stdout or result.stderr
    if result.returncode == 0:
        _remember(key, text)
    return text


def _file() -> Path:
    return paths.home() / "versions.json"


def _remembered() -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known


def _remember(key: str, text: str) -> None:
    """Store `text`. If the file cannot be written, the next call runs the program again."""
    part = _file().with_name(f".versions.{os.getpid()}")
    with _lock, contextlib.suppress(OSError):
        if _file().parent.is_dir():
            part.write_text(json.dumps({**_remembered(), key: text}), encoding="utf-8")
            part.rename(_file())
