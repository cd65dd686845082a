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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from famulus.base import lockfile
from famulus.base.errors import FamulusError

_NAME = re.compile(r"(?:\.building-|\.)?([0-9a-f]{16})(?:\.lock)?")


def remove_tree(folder: Path) -> None:
    """Remove `folder` as far as it is there."""
    shutil.rmtree(folder, ignore_errors=True)


def _never_used(_folder: Path) -> bool:
    return False


@dataclass(frozen=True)
class Vault:
    """The folders below `root`. `record` is the file, a JSON object, that marks a finished folder.

    `remove_build` removes the remains of a build, finished or not; it ignores a missing folder.
    `is_used` returns whether a folder is in use, and is called with the folder's lock held.
    """

    root: Path
    record: str
    remove_build: Callable[[Path], None] = remove_tree
    is_used: Callable[[Path], bool] = _never_used

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
        """Return the record of `digest`, or None unless its folder is finished."""
        try:
            record = json.loads((self.folder(digest) / self.record).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def publish(self, digest: str, record: dict[str, Any]) -> None:
        """Finish the build of `digest`. Raises OSError."""
        building = self.building(digest)
        (building / self.record).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        building.rename(self.folder(digest))

    def digests(self) -> set[str]:
        """Return every digest that has a folder, finished or not, or a lock file."""
        if not self.root.is_dir():
            return set()
        names = (_NAME.fullmatch(path.name) for path in self.root.iterdir())
        return {name[1] for name in names if name}

    def remove(self, digest: str) -> None:
        """Remove the folder of `digest`, whole or not, and its build. The caller holds its lock.

        The record goes first: half a folder must not look finished. Raises OSError.
        """
        folder = self.folder(digest)
        (folder / self.record).unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        self.remove_build(self.building(digest))

    def prune(self, in_use: set[str]) -> int:
        """Remove every digest that is neither `in_use` nor `is_used`; return the bytes freed.

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

    def _prune(self, digest: str) -> int:
        with self.locked_if_free(digest) as is_free:
            if not is_free or self.is_used(self.folder(digest)):
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
