# SPDX-License-Identifier: GPL-2.0-or-later
"""Famulus' C programs for the host: compiled when first needed, kept in a vault by their digest.

Each new version of the sources makes a new digest, and the folders of old ones are pruned then.
"""

import functools
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.lockfile import NoLocksError
from famulus.base.process import named_in_arguments
from famulus.base.run import run
from famulus.base.vault import Vault, remove_tree

log = logging.getLogger("famulus")

_RECORD = "compiled.json"
_TIMEOUT = 120.0  # seconds for gcc, on a busy host
_HINT = "gcc and libc6-dev are needed; `scripts/setup` installs both."


@dataclass(frozen=True)
class Programs:
    """Programs that are compiled together from `sources` with `flags`.

    Messages call them `name`. `commands` returns the command lines that make them in a folder.
    """

    name: str
    flags: tuple[str, ...]
    sources: tuple[Path, ...]
    commands: Callable[[Path], list[list[str]]]


def ensure(root: Path, programs: Programs) -> Path:
    """Return the folder below `root` that has `programs`, compiled now if it is not there.

    The folder is whole or not there, also when several processes compile at once. If it is there,
    nothing is written, and a file system that has lost its locks is no obstacle: a fabric that runs
    can be taken down. Raises FamulusError with gcc's output if the compilation fails.

    The process that compiles removes the folders of other digests below `root`, but none in use:

    - This process holds a shared lock of the folder from `ensure` until the process ends; without
      an exclusive lock no other process removes the folder.
    - A process that this one starts from the folder, or lets load a file of the folder, has the
      digest in its arguments for as long as that process runs: the analyser as its program, QEMU in
      `-plugin`.
    """
    vault, digest = _vault(root), _digest(programs.flags, programs.sources)
    made: list[str] = []

    def find() -> Path | None:
        return vault.folder(digest) if vault.read(digest) is not None else None

    def make() -> None:
        _make(vault, digest, programs)
        made.append(digest)

    try:
        folder = vault.hold(digest, find, make, lambda: None)
    except NoLocksError:
        if (found := find()) is None:
            raise
        return found
    if made:
        _prune(vault, digest)
    return folder


def _vault(root: Path) -> Vault:
    return Vault(root, _RECORD, users=_processes)


def _processes(folder: Path) -> Sequence[str]:
    return ["a process"] if named_in_arguments(folder.name) else []


def _make(vault: Vault, digest: str, programs: Programs) -> None:
    """Compile `digest`. The caller holds its lock."""
    try:
        _compile(vault, digest, programs)
    except OSError as error:
        raise _failed(programs, FamulusError(error.strerror or str(error))) from error
    except FamulusError as error:
        raise _failed(programs, error) from error
    finally:
        vault.remove_build(vault.building(digest))


def _compile(vault: Vault, digest: str, programs: Programs) -> None:
    building = vault.building(digest)
    for left in (building, vault.folder(digest)):  # parts that a killed process left
        remove_tree(left)
    building.mkdir(mode=0o700)
    for argv in programs.commands(building):
        run(argv, timeout=_TIMEOUT)
    vault.publish(digest, {"sources": [path.name for path in programs.sources]})


def _failed(programs: Programs, error: FamulusError) -> FamulusError:
    return FamulusError(
        f"{programs.name} cannot be made: {error.brief}",
        details=error.details,
        hint=error.hint or _HINT,
    )


def _prune(vault: Vault, digest: str) -> None:
    try:
        vault.prune({digest})
    except FamulusError as error:  # the new programs are usable all the same
        log.warning("%s", error.brief)


@functools.cache  # every node asks for its programs
def _digest(flags: tuple[str, ...], sources: tuple[Path, ...]) -> str:
    digest = hashlib.sha256(" ".join(flags).encode())
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
