# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of a fabric: where its files lie, its record, and the lock on the folder."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from famulus.base import lockfile, paths
from famulus.base.errors import FamulusError
from famulus.settings.fabric_name import check_name, is_name
from famulus.state import homes
from famulus.state.record import Record, read_record, write_record

_RECORD = "state.json"
LOCK_TIMEOUT = 900.0  # seconds: longer than any `up`, a first one with its template included


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
        """The log file of everything that was done to this fabric."""
        return self.path / "log"

    @property
    def _record(self) -> Path:
        return self.path / _RECORD

    @property
    def _lock(self) -> Path:
        return self.path / "lock"

    def node(self, number: int) -> Path:
        """Return the folder of node `number`; it need not exist."""
        return self.path / f"node{number}"

    def exists(self) -> bool:
        """Return whether the fabric exists, running or not.

        Raises FamulusError if the host cannot tell: a fabric may be there, with its nodes' disks.
        """
        try:
            self._record.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise FamulusError(
                f"cannot look at {self._record}: {error.strerror}", hint="Nothing was changed."
            ) from error
        return True

    def read(self) -> Record:
        """Return the stored state. Raises FamulusError if the fabric does not exist."""
        try:
            return read_record(self._record)
        except FileNotFoundError as error:
            raise FamulusError(
                f"there is no fabric '{self.name}'",
                hint="`famulus up N` makes a fabric, `famulus list` shows all fabrics.",
            ) from error
        except OSError as error:
            raise FamulusError(
                f"cannot read {self._record}: {error.strerror}", hint="Nothing was changed."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise FamulusError(
                f"the state of fabric '{self.name}' cannot be read: {error}",
                hint=f"`famulus down --purge --fabric {self.name}` removes fabric and pool.",
            ) from error

    def write(self, record: Record) -> None:
        """Store `record`; a reader sees the old one or the new one, never a part."""
        write_record(self._record, record)

    @contextmanager
    def lock(self, on_wait: Callable[[str], None], timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
        """Hold the fabric's lock while the block runs, see `lockfile.locked`.

        If another process has the lock, `on_wait` is called once, with the holder's name. Raises
        FamulusError after `timeout` seconds.
        """
        name = f"fabric '{self.name}'"
        with lockfile.locked(self._lock, on_wait, timeout=timeout, name=name):
            yield

    def holder(self) -> str:
        """Return the name of the lock's holder, see `lockfile.holder`."""
        return lockfile.holder(self._lock)

    def remove(self) -> None:
        """Remove the folder and the folder of its sockets."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)
        _unregister()

    def forget(self) -> None:
        """Remove everything but the log, which tells why an `up` failed."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        for path in self.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path not in (self.log, self._lock):
                path.unlink(missing_ok=True)
        _unregister()


def _unregister() -> None:
    for root in (paths.templates(), paths.snapshots()):
        homes.unregister(root)


def has_fabric(home: Path, name: str) -> bool:
    """Tell whether the FAMULUS_HOME `home`, any user's, has the fabric `name`, running or not.

    Raises OSError if that cannot be known.
    """
    try:
        (home / "fabrics" / name / _RECORD).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def all_fabrics() -> list[FabricFolder]:
    """Return every fabric, running or not, by name."""
    # A folder whose name `check_name` refuses is not a fabric's, state.json or not.
    states = sorted(paths.fabrics().glob(f"*/{_RECORD}"))
    return [FabricFolder(path.parent.name) for path in states if is_name(path.parent.name)]
