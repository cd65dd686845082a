# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of a fabric: what was asked for, the ports, one folder a node; and the lock on it.

Only what cannot be derived is stored. Whether something runs is never stored, see `process`.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from famulus.base import lockfile, paths
from famulus.base.errors import FamulusError
from famulus.settings.spec import FabricSpec, check_name, is_name

log = logging.getLogger("famulus")

LOCK_TIMEOUT = 900.0  # seconds: longer than any `up`, a first one with its template included
_FORMAT = 1


@dataclass(frozen=True)
class Record:
    """What is stored about a fabric: its spec, its template's digest, an ssh port a node."""

    spec: FabricSpec
    template: str
    ports: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FabricFolder:
    """The folder `$FAMULUS_HOME/fabrics/<name>`; it need not exist."""

    name: str

    def __post_init__(self) -> None:
        check_name(self.name)

    @cached_property
    def path(self) -> Path:
        """The folder itself."""
        return paths.fabrics() / self.name

    @property
    def sockets(self) -> Path:
        """The folder of the fabric's sockets, made if need be."""
        return paths.socket_folder(self.path)

    @property
    def checker(self) -> Path:
        """The folder of the analyser that runs all the time; it need not exist."""
        return self.path / "checker"

    @property
    def doorbell(self) -> Path:
        """The folder of the doorbell's server; it need not exist."""
        return self.sockets / "doorbell"

    @property
    def log(self) -> Path:
        """The file that has everything that was done to this fabric."""
        return self.path / "log"

    def node(self, number: int) -> Path:
        """Return the folder of node `number`; it need not exist."""
        return self.path / f"node{number}"

    def exists(self) -> bool:
        """Tell whether there is such a fabric, running or not."""
        return (self.path / "state.json").exists()

    def read(self) -> Record:
        """Return what is stored. Raises FamulusError if there is no such fabric."""
        try:
            raw = json.loads((self.path / "state.json").read_text(encoding="utf-8"))
            return _record(raw)
        except FileNotFoundError as error:
            raise FamulusError(
                f"there is no fabric '{self.name}'",
                hint="`famulus up N` makes one, `famulus list` shows all.",
            ) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FamulusError(
                f"the state of fabric '{self.name}' cannot be read: {error}",
                hint=f"`famulus down --purge --fabric {self.name}` removes it, its pool included.",
            ) from error

    def write(self, record: Record) -> None:
        """Store `record`; a reader sees the old one or the new one, never a part."""
        raw = {
            "format": _FORMAT,
            "spec": record.spec.model_dump(mode="json"),
            "template": record.template,
            "ports": record.ports,
        }
        write_private(self.path / "state.json", json.dumps(raw, indent=1) + "\n")

    @contextmanager
    def lock(self, on_wait: Callable[[str], None], timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
        """Hold the fabric's lock while the block runs.

        If somebody holds it, `on_wait` is told who, once. Raises FamulusError after `timeout`
        seconds. The kernel drops the lock of a process that dies.
        """
        name = f"fabric '{self.name}'"
        with lockfile.locked(self.path / "lock", on_wait, timeout=timeout, name=name):
            yield

    def remove(self) -> None:
        """Remove the folder and the folder of its sockets."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def forget(self) -> None:
        """Remove everything but the log, which tells why an `up` failed."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        for path in self.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in ("log", "lock"):
                path.unlink(missing_ok=True)

    def holder(self) -> str:
        """Return who holds the lock; a process that was killed stands there until the next."""
        return lockfile.holder(self.path / "lock")


def _record(raw: Any) -> Record:  # noqa: ANN401 - whatever stands in the file
    if raw["format"] != _FORMAT:
        raise ValueError(f"its format is {raw['format']}, this famulus knows {_FORMAT}")
    ports = {int(number): int(port) for number, port in raw["ports"].items()}
    return Record(FabricSpec.model_validate(raw["spec"]), str(raw["template"]), ports)


def write_private(path: Path, text: str | bytes, mode: int = 0o600) -> None:
    """Write `path` with `mode`, whole or not at all."""
    data = text.encode() if isinstance(text, str) else text
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        part.rename(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FamulusError(
            f"cannot write {path}: {error.strerror}", hint="Is the disk full?"
        ) from error


def all_fabrics() -> list[FabricFolder]:
    """Return every fabric there is, running or not, by name."""
    # A folder that `check_name` would refuse is somebody else's and has no state of ours either.
    states = sorted(paths.fabrics().glob("*/state.json"))
    return [FabricFolder(path.parent.name) for path in states if is_name(path.parent.name)]
