# SPDX-License-Identifier: GPL-2.0-or-later
"""Take a node, or the template, elsewhere: as a disk that boots by itself, or as a tar.

All formats begin with a raw copy of the disk. The file system in it is brought to rest and made
that of a machine of its own; then it is written in the format that is asked for.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError, UsageError
from famulus.base.events import Events
from famulus.export.exported import exported_domain
from famulus.export.image.convert import convert
from famulus.export.image.edit import blank, write_files
from famulus.export.image.output import explained, publish, scratch
from famulus.export.image.repair import repair
from famulus.export.image.tarball import write_tar
from famulus.fabric.fabric import Fabric, locked, open_fabric
from famulus.fabric.up import wanted
from famulus.node import identify
from famulus.node.node import Node
from famulus.settings.fabric_name import DEFAULT_NAME
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.template import store
from famulus.template.guest import guest_files
from famulus.template.recipe import Recipe
from famulus.template.store import Template
from famulus.transport.agent import GuestFile

TEMPLATE = "template"  # what names the template where a node is expected

# Nothing in a node fills resolv.conf from DHCP. These are what answers in QEMU's (and VirtualBox's)
# user network, and in libvirt's default one; the fabric's own name server is in neither.
_NAME_SERVERS = (IPv4Address("10.0.2.3"), IPv4Address("192.168.122.1"))
_SECRETS = "it holds passwords and ssh keys: keep it as safe as the fabric"


@dataclass(frozen=True)
class Subject:
    """What is exported: `disk`, an image of `disk_format`, which is `node`'s or the template's."""

    name: str
    disk: Path
    disk_format: str
    fabric: Fabric | None = None
    node: Node | None = None


@dataclass(frozen=True)
class Job:
    """One export: of the raw image `disk`, which may be used up, `targets` are to be made.

    All is written in `folder`, which is removed afterwards.
    """

    subject: Subject
    folder: Path
    targets: Sequence[Path]

    @property
    def disk(self) -> Path:
        """The raw image."""
        return self.folder / "disk.img"

    def result(self, number: int = 0) -> Path:
        """Return the file that becomes the target of that number."""
        return self.folder / f"result{number}"


@dataclass(frozen=True)
class Format:
    """A format: how its files end, the one that was asked for first, and what writes them."""

    suffixes: Sequence[str]
    write: Callable[[Job], None]


def _write_raw(job: Job) -> None:
    job.disk.replace(job.result())


def _write_libvirt(job: Job) -> None:
    """Write the document, and beside it the disk that it names."""
    fabric, node = job.subject.fabric, job.subject.node
    document = exported_domain(
        job.subject.name,
        job.targets[1],
        fabric.folder.name if fabric else DEFAULT_NAME,
        fabric.spec if fabric else FabricSpec(),
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


@dataclass(frozen=True)
class Order:
    """What the user asked for: `what` is a node or TEMPLATE, `output` a file, a folder or None."""

    fabric: str
    what: str
    format: str
    output: Path | None = None
    force: bool = False


def export(order: Order, settings: Path | None, events: Events) -> Path:
    """Write the file that `order` asks for, and return where it is.

    A disk has all that is below it and boots in any hypervisor; a tar has every file. A node keeps
    its name and its keys. `settings` is the file that `up` would read. The file is whole, or what
    was there before is still there, also after an interrupt. Raises UsageError for a format or a
    node that there is not; FamulusError for a node that runs or has no disk, a template that is not
    built, a file that is there, and a folder or a disk that does not take it.
    """
    chosen = find_format(order.format)
    with _subject(order, settings, events) as subject:
        targets = find_targets(order, subject.name, chosen)
        with (
            events.step(f"export {subject.name} as {order.format}") as step,
            _job(subject, targets) as job,
        ):
            step.detail("copying the disk")
            convert(subject.disk, subject.disk_format, job.disk, "raw")
            repair(job.disk)
            write_files(job.disk, _files(job))
            step.detail(f"writing {targets[0].name}")
            chosen.write(job)
    events.note(f"{targets[-1].name}: {_SECRETS}")
    return targets[0]


def find_format(name: str) -> Format:
    """Return the format `name`. Raises UsageError if there is none."""
    if name not in FORMATS:
        raise UsageError(
            f"there is no format '{name}'", hint=f"The formats are {', '.join(FORMATS)}."
        )
    return FORMATS[name]


def find_targets(order: Order, name: str, chosen: Format) -> list[Path]:
    """Return the files to write for `name`, that of the order first.

    Raises FamulusError if they may not be written, UsageError if they are not different files.
    """
    first = find_target(order, f"{name}{chosen.suffixes[0]}")
    targets = [first, *(first.with_suffix(suffix) for suffix in chosen.suffixes[1:])]
    if len(set(targets)) < len(targets):
        raise UsageError(
            f"{first.name} would be both the document and the disk",
            hint=f"Choose a name that ends in {chosen.suffixes[0]}.",
        )
    for path in targets:
        _refuse_existing(path, force=order.force)
    return targets


def find_target(order: Order, name: str) -> Path:
    """Return the file to write, by default `name` here. Raises FamulusError if it may not be."""
    target = (order.output or Path(name)).absolute()
    target = target / name if target.is_dir() else target
    folder = target.parent
    if not folder.is_dir():
        raise FamulusError(
            f"there is no folder {folder}", hint="Make it, or choose another one with --output."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FamulusError(f"{folder} cannot be written to", hint="Choose another with --output.")
    _refuse_own(folder)
    return target


def _refuse_own(folder: Path) -> None:
    """Raise UsageError where a file could take the place of what nodes stand on."""
    for own in (paths.templates(), paths.snapshots(), paths.fabrics()):
        if folder.resolve().is_relative_to(own.resolve()):
            raise UsageError(
                f"{folder} is a folder of Famulus' own", hint="Choose another with --output."
            )


def _refuse_existing(target: Path, *, force: bool) -> None:
    if not os.path.lexists(target):
        return
    if not force:
        raise FamulusError(
            f"{target} is there already",
            hint="--force replaces it; --output writes another file.",
        )
    if not target.is_file():
        raise FamulusError(f"{target} is no file", hint="Choose another with --output.")


@contextmanager
def _subject(order: Order, settings: Path | None, events: Events) -> Iterator[Subject]:
    """Yield what is exported. A node cannot be started while the block runs."""
    if order.what == TEMPLATE:
        yield Subject("fabric_template", _template(order.fabric, settings).disk, "raw")
        return
    fabric = open_fabric(order.fabric)
    node = fabric.select_one(order.what)
    with locked(fabric.folder, events):
        _require_still(node)
        yield Subject(node.name, node.disk, "qcow2", fabric, node)


def _require_still(node: Node) -> None:
    if not node.has_disk():
        raise FamulusError(f"{node.name} has no disk yet", hint="`famulus up` gives it one.")
    state = node.state()
    if state != "stopped":
        raise FamulusError(
            f"{node.name} is {state}, and its disk changes",
            hint=f"`famulus node stop {node.number}` first; `famulus up` starts it again.",
        )


def _template(name: str, settings: Path | None) -> Template:
    """Return the template of fabric `name`, or the one that its first `up` would use."""
    folder = FabricFolder(name)
    if folder.exists():
        template = store.find(folder.read().template)
    else:
        recipe = Recipe.from_spec(wanted(name, {}, settings))
        template = store.find(recipe.digest(guest_files()))
    if template is None:
        raise FamulusError(
            "the template is not built yet", hint="`famulus template build` builds it."
        )
    return template


@contextmanager
def _job(subject: Subject, targets: Sequence[Path]) -> Iterator[Job]:
    """Yield the job, in a folder beside the targets that is removed. Its results become those."""
    parent = targets[0].parent
    with explained(parent), scratch(parent) as folder:
        job = Job(subject, folder, targets)
        yield job
        for number in reversed(range(len(targets))):
            publish(job.result(number), targets[number])


def _files(job: Job) -> list[GuestFile]:
    """Return what the copy gets, to be a machine of its own.

    A clone gets its files from its agent and writes them to its disk within half a minute: one that
    was killed before has them blank.
    """
    fabric, node = job.subject.fabric, job.subject.node
    if not (fabric and node):
        return [_resolv_conf(_NAME_SERVERS)]
    shared = identify.shared_files(fabric.nodes(), _NAME_SERVERS[0])
    missing = blank(job.disk, [file.path for file in shared])
    servers = (fabric.network.name_server,) if fabric.spec.network == "libvirt" else _NAME_SERVERS
    return [
        *(file for file in shared if file.path in missing),
        *_own_files(node),
        _resolv_conf(servers),
    ]


def _own_files(node: Node) -> list[GuestFile]:
    """Return what makes a disk the disk of `node`, on whatever network it finds itself."""
    hosts = (
        f"127.0.0.1 localhost\n127.0.1.1 {node.name}\n::1 localhost ip6-localhost ip6-loopback\n"
    )
    return [*identify.disk_files(node), GuestFile("/etc/hosts", hosts)]


def _resolv_conf(servers: Sequence[IPv4Address]) -> GuestFile:
    lines = "".join(f"nameserver {address}\n" for address in servers)
    return GuestFile("/etc/resolv.conf", f"{lines}options timeout:1\n")
