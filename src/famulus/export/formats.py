# SPDX-License-Identifier: GPL-2.0-or-later
"""The formats of an export, and how each is written from a raw disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import UsageError
from famulus.export.image.convert import convert
from famulus.export.image.tarball import write_tar
from famulus.export.libvirt_xml import exported_domain
from famulus.export.subject import Subject


@dataclass(frozen=True)
class Job:
    """One export: the files `targets` are made from the raw image `disk`, which may be used up.

    All files are written in `folder`, which is removed afterwards.
    """

    subject: Subject
    folder: Path
    targets: Sequence[Path]

    @property
    def disk(self) -> Path:
        """The raw image."""
        return self.folder / "disk.img"

    def result(self, number: int = 0) -> Path:
        """Return the file that becomes target `number`."""
        return self.folder / f"result{number}"


@dataclass(frozen=True)
class Format:
    """A format: the suffixes of its files, the main file's first, and the function that writes."""

    suffixes: Sequence[str]
    write: Callable[[Job], None]


def _write_raw(job: Job) -> None:
    job.disk.replace(job.result())


def _write_libvirt(job: Job) -> None:
    """Write the document, and beside it the disk that the document names."""
    fabric, node = job.subject.fabric, job.subject.node
    document = exported_domain(
        job.subject.name,
        job.targets[1],
        fabric,
        node.number if node else 1,
    )
    job.result().write_text(document, encoding="utf-8")
    convert(job.disk, "raw", job.result(1), "qcow2")


FORMATS = {
    "qcow2": Format([".qcow2"], lambda job: convert(job.disk, "raw", job.result(), "qcow2")),
    "raw": Format([".img"], _write_raw),
    "tar": Format([".tar"], lambda job: write_tar(job.disk, job.result())),
    "libvirt-xml": Format([".xml", ".qcow2"], _write_libvirt),
}


def find_format(name: str) -> Format:
    """Return the format `name`. Raises UsageError if there is none."""
    if name not in FORMATS:
        raise UsageError(
            f"there is no format '{name}'", hint=f"The formats are {', '.join(FORMATS)}."
        )
    return FORMATS[name]
