# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that `configure` makes in one folder: names, lock, publication of all or none."""

import errno
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.lockfile import folder_locked_if_free
from famulus.export.image.output import explained
from famulus.settings.identity import node_name

_DISK = re.compile(r"fabric([1-9][0-9]?)\.qcow2")
_CURE = "Choose another folder with --artdir (or ARTDIR)."


@dataclass(frozen=True)
class Artifacts:
    """The artifacts in `folder`, with the names of the 2016 script; the files need not exist."""

    folder: Path

    @property
    def script(self) -> Path:
        """The script that starts the nodes."""
        return self.folder / "fabric_emulation.bash"

    @property
    def log(self) -> Path:
        """The log of everything that `configure` did."""
        return self.folder / "fabric_emulation.log"

    @property
    def template(self) -> Path:
        """The raw, partitioned image that no node has changed."""
        return self.folder / "fabric_template.img"

    @property
    def tar(self) -> Path:
        """The tar of the template's files."""
        return self.folder / "fabric_template.tar"

    @property
    def workshop(self) -> Path:
        """The folder in which new artifacts are made; a killed run leaves its files there."""
        return self.folder / ".fabric_emulation.new"

    def disk(self, number: int) -> Path:
        """Return the disk of node `number`."""
        return self.folder / f"{node_name(number)}.qcow2"

    def disks(self) -> dict[int, Path]:
        """Return the existing disks, by the numbers of their nodes."""
        found = {path: _DISK.fullmatch(path.name) for path in self.folder.iterdir()}
        return {int(name[1]): path for path, name in sorted(found.items()) if name}

    def require_folder(self) -> None:
        """Raise FamulusError unless the folder exists and is writable."""
        if not self.folder.is_dir():
            raise FamulusError(
                f"there is no folder {self.folder}", hint=f"Make the folder. {_CURE}"
            )
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise FamulusError(f"{self.folder} cannot be written to", hint=_CURE)

    def keep_previous_log(self) -> None:
        """Rename the log of the previous run. Raises FamulusError."""
        with explained(self.folder):
            if self.log.exists():
                self.log.replace(self.log.with_name(f"{self.log.name}.previous"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder while the block runs. Raises FamulusError if another run holds it."""
        with folder_locked_if_free(self.folder) as is_free:
            if not is_free:
                raise FamulusError(
                    f"another `famulus configure` is at work in {self.folder}",
                    hint="Wait for that process, or choose another folder: --artdir or ARTDIR.",
                )
            yield

    @contextmanager
    def made(self) -> Iterator["Artifacts"]:
        """Yield artifacts in an empty folder; at the block's end they replace these artifacts.

        If the block fails, nothing has changed. Raises FamulusError for an error of the system.
        """
        with explained(self.folder):
            self._sweep()
            self.workshop.mkdir(mode=0o700)
            try:
                yield Artifacts(self.workshop)
                self._publish()
            finally:
                self._sweep()

    def _publish(self) -> None:
        made = sorted(self.workshop.iterdir())
        for path in made:
            if (self.folder / path.name).is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{path.name} is a folder")
        for path in made:
            path.replace(self.folder / path.name)

    def _sweep(self) -> None:
        shutil.rmtree(self.workshop, ignore_errors=True)


def give_to_caller(paths: Sequence[Path]) -> None:
    """Make the user who called sudo the owner of those of `paths` that exist."""
    uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() == 0 and uid.isdigit() and gid.isdigit():
        for path in paths:
            if path.exists():
                os.chown(path, int(uid), int(gid))
