# SPDX-License-Identifier: GPL-2.0-or-later
"""Folders named by the digest of their inputs. A folder is whole or does not exist.

A folder is built beside its final place and then renamed. Each digest has a lock, which its builder
or remover holds. Templates, snapshots and compiled programs are kept in vaults.
"""

import contextlib
import json
import os
import re
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from famulus.base import lockfile
from famulus.base.errors import FamulusError
from famulus.base.waiting import pause

_NAME = re.compile(r"(?:\.building-|\.)?([0-9a-f]{16}(?:-\d+)?)(?:\.lock)?")
_ABSENT = (FileNotFoundError, NotADirectoryError)
_INTERVAL = 0.1  # seconds between two looks at a folder that another process uses

T = TypeVar("T")

_held: dict[Path, int] = {}  # lock files of this process' shared locks, with their descriptors
_held_lock = threading.Lock()


def remove_tree(folder: Path) -> None:
    """Remove `folder` as far as it is there."""
    shutil.rmtree(folder, ignore_errors=True)


def _no_users(_folder: Path) -> Sequence[str]:
    return ()


def identity(record: Mapping[str, Any]) -> str:
    """Return the identity of the build that has `record`; another build of the digest has another.

    Earlier releases stored no identity; the time of the build stands in for it.
    """
    return str(record.get("id") or record.get("created") or "")


@dataclass(frozen=True)
class Vault:
    """The folders below `root`. `record` is the file, a JSON object, that marks a finished folder.

    `remove_build` removes the remains of a build, finished or not; it ignores a missing folder.
    `users` returns the names of a folder's users, and is called with the folder's lock held. A
    folder with users is never removed.
    """

    root: Path
    record: str
    remove_build: Callable[[Path], None] = remove_tree
    users: Callable[[Path], Sequence[str]] = _no_users

    def folder(self, digest: str) -> Path:
        """Return the place of `digest`; the folder need not exist."""
        return self.root / digest

    def building(self, digest: str) -> Path:
        """Return the folder in which `digest` is built."""
        return self.root / f".building-{digest}"

    def lock_path(self, digest: str) -> Path:
        """Return the lock file of `digest`."""
        return self.root / f".{digest}.lock"

    def read(self, digest: str) -> dict[str, Any] | None:
        """Return the record of `digest`, or None unless its folder is finished.

        Raises FamulusError if the host cannot read the record: the folder may be finished.
        """
        path = self.folder(digest) / self.record
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (*_ABSENT, ValueError):
            return None
        except OSError as error:
            raise FamulusError(
                f"cannot read {path}: {error.strerror}", hint="Nothing was changed."
            ) from error
        return record if isinstance(record, dict) else None

    def publish(self, digest: str, record: dict[str, Any]) -> None:
        """Finish the build of `digest`, which gets an identity of its own. Raises OSError."""
        building = self.building(digest)
        text = json.dumps({**record, "id": uuid.uuid4().hex}, indent=1) + "\n"
        (building / self.record).write_text(text, encoding="utf-8")
        building.rename(self.folder(digest))

    def digests(self) -> set[str]:
        """Return every digest that has a folder, finished or not, or a lock file."""
        if not self.root.is_dir():
            return set()
        names = (_NAME.fullmatch(path.name) for path in self.root.iterdir())
        return {name[1] for name in names if name}

    def remove(self, digest: str) -> None:
        """Remove the folder of `digest`, whole or not, and its build. The caller holds its lock.

        The record goes first: half a folder must not look finished. Raises FamulusError if the
        folder has users, and OSError.
        """
        folder = self.folder(digest)
        if folder.exists() and (users := self.users(folder)):
            raise FamulusError(
                f"{folder} is not removed or replaced: disks may lie on it ({users[0]})",
                hint="`famulus down --purge --fabric NAME` removes a fabric and its disks.",
            )
        (folder / self.record).unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        self.remove_build(self.building(digest))

    def prune(self, in_use: set[str]) -> int:
        """Remove every digest that is not `in_use` and has no users; return the bytes freed.

        A digest whose lock is held stays; the remains of a killed build or prune go.
        """
        return sum(self._prune(digest) for digest in sorted(self.digests() - in_use))

    @contextlib.contextmanager
    def locked(self, digest: str, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the lock of `digest` while the block runs. Call `on_wait` once if that must wait.

        The wait has no timeout: a build over a slow line may take hours.
        """
        with lockfile.locked(self.lock_path(digest), lambda _: on_wait()):
            yield

    @contextlib.contextmanager
    def locked_if_free(self, digest: str) -> Iterator[bool]:
        """Hold the lock of `digest` while the block runs; yield False if another has the lock."""
        with lockfile.locked_if_free(self.lock_path(digest)) as fd:
            yield fd is not None

    def hold(
        self,
        digest: str,
        find: Callable[[], T | None],
        make: Callable[[], object],
        on_wait: Callable[[], None],
    ) -> T:
        """Return what `find` finds in the folder of `digest`; `make` makes the folder if need be.

        This process then holds a shared lock of `digest` until `release`, or until the process
        ends; no process removes the folder meanwhile. `make` is called with the exclusive lock
        held. `on_wait` is called once if another process makes, removes or uses the folder.
        """
        note = _Once(on_wait)
        while True:
            if self.lock_path(digest) in _held:
                if (found := find()) is not None:
                    return found
                self.release(digest)  # the folder was damaged or removed by hand
            if find() is None:
                self._make_if_free(digest, find, make)
            if (found := self.hold_if_there(digest, find, note)) is not None:
                return found
            note()
            pause(_INTERVAL)

    def hold_if_there(
        self, digest: str, find: Callable[[], T | None], on_wait: Callable[[], None]
    ) -> T | None:
        """Return what `find` finds in the folder of `digest`, and hold the lock as `hold` does.

        Returns None, without a lock, if `find` finds nothing. Waits for a process that makes or
        removes the folder.
        """
        path = self.lock_path(digest)
        fd = lockfile.acquire(path, lambda _: on_wait(), shared=True)
        try:
            found = find()
        except BaseException:
            os.close(fd)
            raise
        with _held_lock:
            if found is None or path in _held:
                os.close(fd)
            else:
                _held[path] = fd
        return found

    def _make_if_free(
        self, digest: str, find: Callable[[], object | None], make: Callable[[], object]
    ) -> None:
        with self.locked_if_free(digest) as is_free:
            if is_free and find() is None:
                make()
                if find() is None:
                    raise FamulusError(f"{self.folder(digest)} was made but cannot be read")

    def release(self, digest: str) -> None:
        """Give up this process' shared lock of `digest`, if there is one."""
        with _held_lock:
            fd = _held.pop(self.lock_path(digest), None)
        if fd is not None:
            os.close(fd)

    def _prune(self, digest: str) -> int:
        with self.locked_if_free(digest) as is_free:
            if not is_free or self.users(self.folder(digest)):
                return 0
            folders = (self.folder(digest), self.building(digest))
            freed = sum(size_on_disk(folder) for folder in folders)
            try:
                self.remove(digest)
                self.lock_path(digest).unlink()
            except OSError as error:
                raise FamulusError(
                    f"cannot remove {error.filename or folders[0]}: {error.strerror}"
                ) from error
            return freed


class _Once:
    """A function that is called at most once, however often this object is called."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._functions = [function]

    def __call__(self) -> None:
        while self._functions:
            self._functions.pop()()


def size_on_disk(folder: Path) -> int:
    """Return the bytes that everything below `folder` takes on the host's disk.

    A file that another process removes meanwhile counts as 0.
    """
    return sum(
        _blocks(Path(at) / name)
        for at, folders, files in os.walk(folder)
        for name in folders + files
    )


def _blocks(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return path.lstat().st_blocks * 512
    return 0
