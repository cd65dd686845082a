# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin of QEMU and the host's tool beside it: compiled once, found by a digest."""

import hashlib
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from famulus import paths
from famulus.errors import FamulusError
from famulus.run import run

_PACKAGE = Path(__file__).parents[1]
_LIMIT = 120.0  # seconds for gcc, on a busy host
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra")
_BOTH = ("shared.c", "lock.c", "line.c", "ring.c")
_PLUGIN = ("decode.c", "address.c", "cache.c", "cpu.c", "owed.c", "watch.c", "plugin.c")
_TOOL = ("tool.c",)
_lock = threading.Lock()  # nodes start side by side


@dataclass(frozen=True)
class Built:
    """What was compiled: `plugin` for QEMU to load, `tool` for the host to run."""

    plugin: Path
    tool: Path


def source_folder() -> Path:
    """Return the folder `plugin`: in an installed package, else in the repository."""
    installed = _PACKAGE / "plugin"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "plugin"


def ensure() -> Built:
    """Return the plugin and the tool, compiled if they are not there.

    They are there whole or not at all, whoever else compiles them. Raises FamulusError with gcc's
    words if that fails.
    """
    source = source_folder()
    folder = paths.plugins() / _digest(source)
    built = Built(folder / "famulus.so", folder / "caches")
    with _lock:
        if not folder.is_dir():
            _compile(source, folder)
    return built


def require_loadable(qemu: str) -> None:
    """Raise FamulusError with QEMU's words if the QEMU `qemu` does not take the plugin.

    It takes one of its own plugin API, or of an older one that it still knows.
    """
    result = run(check_arguments(qemu, ensure().plugin), timeout=_LIMIT, check=False)
    if "famulus: loads" not in result.stderr:
        said = (result.stderr or result.stdout).strip()
        raise FamulusError(
            "this QEMU does not load the plugin that memory without coherence needs",
            details=said,
            hint="It takes QEMU 10.0 or newer, built with plugins, as Debian's is.",
        )


def check_arguments(qemu: str, plugin: Path) -> list[str]:
    """Return the arguments of a QEMU that loads the plugin, says so, and ends. Pure."""
    comma_free = str(plugin).replace(",", ",,")
    return [qemu, "-M", "none", "-display", "none", "-plugin", f"{comma_free},check=on"]


def compile_arguments(source: Path, folder: Path) -> list[list[str]]:
    """Return the command lines that make the plugin and the tool of `source` in `folder`. Pure."""
    plugin = [str(source / name) for name in _BOTH + _PLUGIN]
    tool = [str(source / name) for name in _BOTH + _TOOL]
    shared = ["-shared", "-fPIC", "-fvisibility=hidden"]
    return [
        ["gcc", *_FLAGS, *shared, "-o", str(folder / "famulus.so"), *plugin],
        ["gcc", *_FLAGS, "-pthread", "-o", str(folder / "caches"), *tool],
    ]


def _compile(source: Path, folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    paths.make_private(part)
    try:
        for argv in compile_arguments(source, part):
            run(argv, timeout=_LIMIT)
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another has made it meanwhile
                raise
    except FamulusError as error:
        hint = "gcc and libc6-dev compile it; `scripts/setup` installs them."
        raise FamulusError(
            f"the plugin for memory that is not coherent cannot be made: {error.brief}",
            details=error.details,
            hint=error.hint or hint,
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _digest(source: Path) -> str:
    digest = hashlib.sha256(" ".join(_FLAGS).encode())
    for path in sorted(source.glob("*.[ch]")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
