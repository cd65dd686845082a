# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a node's disk, or the template's, as a disk that boots by itself, or as a tar.

Every export begins with a raw copy of the disk. The file system in the copy is repaired and gets
the files of a machine of its own; then the copy is written in the format that the user asked for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from famulus.base.events import Events
from famulus.export.formats import Job, find_format
from famulus.export.image.convert import convert
from famulus.export.image.edit import write_files
from famulus.export.image.output import explained, publish, scratch
from famulus.export.image.repair import repair
from famulus.export.machine_files import machine_files
from famulus.export.subject import Subject, opened
from famulus.export.targets import find_targets

_SECRETS = "the file holds passwords and ssh keys: keep the file as safe as the fabric"


@dataclass(frozen=True)
class Order:
    """The user's order: `source` is a node or TEMPLATE, `output` a file, a folder or None."""

    fabric: str
    source: str
    format: str
    output: Path | None = None
    force: bool = False


def export(order: Order, settings: Path | None, events: Events) -> Path:
    """Write the file that `order` asks for, and return its path.

    A disk has the contents of all its backing files and boots in any hypervisor; a tar has every
    file. A node keeps its name and its keys. `settings` is the file that `up` would read. After a
    failure or an interrupt an existing file is as before; a new file is whole. Raises UsageError
    for an unknown format or node; FamulusError for a node that runs or has no disk, a template that
    is not built, an existing file, and a folder or a disk that cannot hold the file.
    """
    chosen = find_format(order.format)
    with opened(order.fabric, order.source, settings, events) as subject:
        targets = find_targets(order.output, subject.name, chosen.suffixes, force=order.force)
        with (
            events.step(f"export {subject.name} as {order.format}") as step,
            _job(subject, targets) as job,
        ):
            step.detail("copying the disk")
            _copy_disk(job)
            step.detail(f"writing {targets[0].name}")
            chosen.write(job)
    events.note(f"{targets[-1].name}: {_SECRETS}")
    return targets[0]


@contextmanager
def _job(subject: Subject, targets: Sequence[Path]) -> Iterator[Job]:
    """Yield the job, in a scratch folder beside the targets. Its results become the targets."""
    parent = targets[0].parent
    with explained(parent), scratch(parent) as folder:
        job = Job(subject, folder, targets)
        yield job
        for number in reversed(range(len(targets))):
            publish(job.result(number), targets[number])


def _copy_disk(job: Job) -> None:
    convert(job.subject.disk, job.subject.disk_format, job.disk, "raw")
    repair(job.disk)
    write_files(job.disk, machine_files(job.subject, job.disk))
