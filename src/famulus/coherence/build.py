# SPDX-License-Identifier: GPL-2.0-or-later
"""Compile QEMU's plugin and the host's tool once; a digest of the sources finds both."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from famulus.base import compiled, paths
from famulus.base.errors import FamulusError
from famulus.base.run import run

_TIMEOUT = 120.0  # seconds for a QEMU that only loads the plugin, on a busy host
_FLAGS = ("-std=gnu11", "-O2", "-flto", "-Wall", "-Wextra")
_INCLUDED = ("include", "shared", "plugin")  # folders of headers
_SHARED = "shared"  # the folder of the C that both programs have


@dataclass(frozen=True)
class Built:
    """The compiled programs: QEMU loads `plugin`, the host runs `tool`."""

    plugin: Path
    tool: Path


def ensure() -> Built:
    """Return the plugin and the tool, see `compiled.ensure`."""
    folder = compiled.ensure(paths.plugins(), _programs())
    return Built(folder / "famulus.so", folder / "caches")


def _programs() -> compiled.Programs:
    native = paths.source_folder("native")
    folders = ("include", _SHARED, "plugin", "caches")
    sources = tuple(path for name in folders for path in sorted((native / name).glob("*.[ch]")))
    name = "the plugin for memory that is not coherent"
    return compiled.Programs(name, _FLAGS, sources, partial(compile_arguments, native, sources))


def require_loadable(qemu: str) -> None:
    """Raise FamulusError with QEMU's message if the QEMU program `qemu` does not load the plugin.

    A QEMU loads a plugin that was made for QEMU's own plugin API, or for an older API that QEMU
    still supports.
    """
    result = run(check_arguments(qemu, ensure().plugin), timeout=_TIMEOUT, check=False)
    if "famulus: loads" not in result.stderr:
        output = (result.stderr or result.stdout).strip()
        raise FamulusError(
            "this QEMU does not load the plugin that memory without coherence needs",
            details=output,
            hint="Use QEMU 10.0 or newer, built with plugins, as Debian's QEMU is.",
        )


def check_arguments(qemu: str, plugin: Path) -> list[str]:
    """Return the arguments of a QEMU that loads the plugin with `check=on` and ends. Pure."""
    comma_free = str(plugin).replace(",", ",,")
    return [qemu, "-M", "none", "-display", "none", "-plugin", f"{comma_free},check=on"]


def compile_arguments(native: Path, sources: Sequence[Path], folder: Path) -> list[list[str]]:
    """Return the command lines that compile the plugin and the tool into `folder`. Pure.

    `sources` are the files below `native`; the name of a file's folder says in which program the
    file belongs.
    """

    def units(*names: str) -> list[str]:
        wanted = (path for path in sources if path.suffix == ".c" and path.parent.name in names)
        return [str(path) for path in wanted]

    include = [f"-I{native / name}" for name in _INCLUDED]
    library = ["-shared", "-fPIC", "-fvisibility=hidden"]
    plugin, tool = str(folder / "famulus.so"), str(folder / "caches")
    return [
        ["gcc", *_FLAGS, *include, *library, "-o", plugin, *units(_SHARED, "plugin")],
        ["gcc", *_FLAGS, *include, "-pthread", "-o", tool, *units(_SHARED, "caches")],
    ]
