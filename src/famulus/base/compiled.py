# SPDX-License-Identifier: GPL-2.0-or-later
"""Famulus' C programs for the host: compiled when first needed, kept in a vault by their digest.

Each new version of the sources makes a new digest, and the folders of old ones are pruned then.
"""

import functools
import hashlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from famulus.base import lockfile
from famulus.base.errors import FamulusError
from famulus.base.process import named_in_arguments
from famulus.base.run import run
from famulus.base.vault import Vault

log = logging.getLogger("famulus")

_RECORD = "compiled.json"
_TIMEOUT = 120.0  # seconds for gcc, on a busy host
_HINT = "gcc and libc6-dev compile it; `scripts/setup` installs them."
_lock = threading.Lock()  # nodes start side by side
_held: dict[Path, int] = {}  # folders in use by this process, with their locks' descriptors


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

    The folder is whole or not there, also when several processes compile at once. Raises
    FamulusError with gcc's output if the compilation fails.

    The process that compiles removes the folders of other digests below `root`, but none in use:

    - This process holds a shared lock of the folder from `ensure` until the process ends; without
      an exclusive lock no other process removes the folder.
    - A process that this one starts from the folder, or lets load a file of the folder, has the
      digest in its arguments for as long as that process runs: the analyser as its program, QEMU in
      `-plugin`.
    """
    vault, digest = _vault(root), _digest(programs.flags, programs.sources)
    folder = vault.folder(digest)
    with _lock:
        if folder in _held and not folder.is_dir():  # the user has removed it
            os.close(_held.pop(folder))
        if folder not in _held:
            _held[folder] = _hold(vault, digest, programs)
    return folder


def _vault(root: Path) -> Vault:
    return Vault(root, _RECORD, is_used=lambda folder: named_in_arguments(folder.name))


def _hold(vault: Vault, digest: str, programs: Programs) -> int:
    """Return the descriptor of a shared lock of `digest`, compiled by now.

    A process that finds the lock taken waits for a shared lock only: other users of the programs
    hold shared locks until they end, so a wait for an exclusive lock could last for hours.
    """
    while True:
        with vault.locked_if_free(digest) as is_free:
            made = is_free and _make(vault, digest, programs)
        if made:
            _prune(vault, digest)
        lock = lockfile.acquire(vault.lock_path(digest), lambda _: None, shared=True)
        if vault.read(digest) is not None:
            return lock
        os.close(lock)


def _make(vault: Vault, digest: str, programs: Programs) -> bool:
    """Compile `digest` unless it is there. The caller holds its lock. Return True if compiled."""
    if vault.read(digest) is not None:
        return False
    try:
        _compile(vault, digest, programs)
    except OSError as error:
        raise _failed(programs, FamulusError(error.strerror or str(error))) from error
    except FamulusError as error:
        raise _failed(programs, error) from error
    finally:
        vault.remove_build(vault.building(digest))
    return True


def _compile(vault: Vault, digest: str, programs: Programs) -> None:
    vault.remove(digest)  # parts that a killed process left
    building = vault.building(digest)
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
