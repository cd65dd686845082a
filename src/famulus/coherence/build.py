# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin of QEMU and the host's tool beside it: compiled once, found by a digest."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from famulus.base import compiled, paths
from famulus.base.errors import FamulusError
from famulus.base.run import run

_TIMEOUT = 120.0  # seconds for a QEMU that only loads the plugin, on a busy host
_FLAGS = ("-std=gnu11", "-O2", "-flto", "-Wall", "-Wextra")
_BOTH = ("shared.c", "lock.c", "line.c", "ring.c")
_PLUGIN = (
    "decode.c",
    "address.c",
    "cache.c",
    "cpu.c",
    "locked.c",
    "owed.c",
    "script.c",
    "watch.c",
    "plugin.c",
)
_FOLDERS = ("include", "plugin", "caches")


@dataclass(frozen=True)
class Built:
    """What was compiled: `plugin` for QEMU to load, `tool` for the host to run."""

    plugin: Path
    tool: Path


def ensure() -> Built:
    """Return the plugin and the tool, see `compiled.ensure`."""
    folder = compiled.ensure(paths.plugins(), _programs())
    return Built(folder / "famulus.so", folder / "caches")


def _programs() -> compiled.Programs:
    source = paths.source_folder("native")
    sources = tuple(path for name in _FOLDERS for path in sorted((source / name).glob("*.[ch]")))
    what = "the plugin for memory that is not coherent"
    return compiled.Programs(what, _FLAGS, sources, partial(compile_arguments, source))


def require_loadable(qemu: str) -> None:
    """Raise FamulusError with QEMU's words if the QEMU `qemu` does not take the plugin.

    It takes one of its own plugin API, or of an older one that it still knows.
    """
    result = run(check_arguments(qemu, ensure().plugin), timeout=_TIMEOUT, check=False)
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
    plugin = [str(source / "plugin" / name) for name in _BOTH + _PLUGIN]
    shared = [str(source / "plugin" / name) for name in _BOTH]
    tool = [str(source / "caches" / "tool.c"), *shared]
    include = [f"-I{source / name}" for name in ("include", "plugin")]
    library = ["-shared", "-fPIC", "-fvisibility=hidden"]
    return [
        ["gcc", *_FLAGS, *include, *library, "-o", str(folder / "famulus.so"), *plugin],
        ["gcc", *_FLAGS, *include, "-pthread", "-o", str(folder / "caches"), *tool],
    ]
