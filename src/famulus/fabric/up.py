# SPDX-License-Identifier: GPL-2.0-or-later
"""Bring a fabric up: converge to the wanted settings, undo a start that fails half-way."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from famulus.backend.machine import PROGRAM as QEMU
from famulus.base import paths
from famulus.base.events import Events
from famulus.coherence.build import require_loadable
from famulus.fabric import backends, doctor
from famulus.fabric.fabric import Fabric, locked
from famulus.fabric.hooks import Hooks
from famulus.fabric.pools import chosen_place, ready_pool
from famulus.fabric.start import start_nodes
from famulus.host.check import require
from famulus.host.finding import Finding
from famulus.node import lifecycle
from famulus.node.node import Node
from famulus.pool import file as pool_file
from famulus.settings.changes import change_while_running
from famulus.settings.sources import load_spec
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus.template.build import digest_of, ensure
from famulus.transport import ssh


def up(
    name: str, flags: Mapping[str, object], file: Path | None, events: Events, hooks: Hooks
) -> Fabric:
    """Converge fabric `name` to the settings in `flags`, environment and `file`; return it.

    Starts nodes that died, adds nodes, stops nodes above the wanted number, and leaves everything
    else as it is. On return every node answers and its ssh is ready. After a failure or an
    interrupt, everything that this call started is stopped and everything that it made is removed.
    """
    folder = FabricFolder(name)
    with locked(folder, events), ExitStack() as undo:
        if not folder.exists():
            undo.callback(folder.forget)
        spec = wanted(name, flags, file)
        _refuse_early(folder, spec, events)
        registered = _register(folder, spec, _template(folder, spec, events), undo)
        fabric = ready_pool(registered, undo, events)
        _stop_surplus(fabric, events)
        start_nodes(fabric, fabric.nodes(), undo, events)
        hooks.after_start(fabric, undo, events)
        undo.pop_all()
        return fabric


def _refuse_early(folder: FabricFolder, spec: FabricSpec, events: Events) -> None:
    """Raise FamulusError for everything that can be known before a template is built.

    What will hurt the nodes that start is said.
    """
    if folder.exists():
        _refuse_change(Fabric(folder, folder.read()), spec)
    running = _running(folder, spec)
    findings = doctor.check(folder, spec, running=running)
    require(findings)
    if running < spec.nodes:
        _warn(findings, events)
    if not running:
        pool_file.require_usable(chosen_place(folder, spec), spec.pool)
    paths.socket_folder(folder.path)
    if spec.watched and not Fabric(folder, Record(spec, "")).alive():
        require_loadable(QEMU)


def _warn(findings: Iterable[Finding], events: Events) -> None:
    for finding in findings:
        if finding.level == "warning" and not finding.for_build:
            events.note(f"{finding.name}: {finding.text}. {finding.cure}")


def _template(folder: FabricFolder, spec: FabricSpec, events: Events) -> str:
    """Return the digest of the template for new nodes; have it built if there is a new node."""
    if all(node.has_disk() for node in Fabric(folder, Record(spec, "")).nodes()):
        return digest_of(spec)
    return ensure(spec, events).digest


def _running(folder: FabricFolder, spec: FabricSpec) -> int:
    nodes = Fabric(folder, Record(spec, "")).nodes()
    return sum(node.running() for node in nodes)


def wanted(name: str, flags: Mapping[str, object], file: Path | None) -> FabricSpec:
    """Return the spec that fabric `name` shall have. Raises UsageError for wrong settings."""
    folder = FabricFolder(name)
    remembered = folder.read().spec.model_dump(exclude_defaults=True) if folder.exists() else {}
    return load_spec(flags, file=file, remembered=remembered)


def _register(folder: FabricFolder, spec: FabricSpec, digest: str, undo: ExitStack) -> Fabric:
    """Store the wanted settings before anything is made, so that a later command finds it."""
    record = Record(spec, digest)
    if folder.exists():
        old = folder.read()
        backends.forget_all(folder, but=spec)  # another back end could start nodes on our disks
        undo.callback(folder.write, old)
        record = replace(old, spec=spec, template=digest, ports=dict(old.ports))
    folder.write(record)
    ssh.ensure_key(folder.path / "id_ed25519", f"famulus-{folder.name}")
    return Fabric(folder, record)


def _refuse_change(old: Fabric, spec: FabricSpec) -> None:
    """Raise FamulusError if `spec` changes a setting that the nodes of a running fabric share."""
    new = Fabric(old.folder, replace(old.record, spec=spec))
    error = change_while_running(_with_pool(old), _with_pool(new))
    if error and old.alive():
        raise error


def _with_pool(fabric: Fabric) -> FabricSpec:
    """Return the fabric's spec with the pool's file, even where it is the default one."""
    return fabric.spec.model_copy(update={"pool_file": fabric.pool.path})


def _stop_surplus(fabric: Fabric, events: Events) -> None:
    for node in fabric.surplus():
        with events.step(f"stop {node.name}"):
            _stop(fabric, node)
        events.note(f"{node.name} has left the fabric; its disk is kept until `down --purge`")


def _stop(fabric: Fabric, node: Node) -> None:
    lifecycle.stop(node)
    fabric.network.unforward(node.identity)
