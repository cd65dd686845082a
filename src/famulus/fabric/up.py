# SPDX-License-Identifier: GPL-2.0-or-later
"""Bring a fabric up: converge to what was asked, undo what fails half-way."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from famulus.backend.libvirt import domain
from famulus.backend.qemu.arguments import PROGRAM as QEMU
from famulus.base.errors import FamulusError, UsageError
from famulus.base.events import Events
from famulus.base.units import format_size
from famulus.coherence.build import require_loadable
from famulus.coherence.caches import LINE, Caches, Policy
from famulus.fabric.fabric import Fabric, locked
from famulus.fabric.hooks import Hooks
from famulus.fabric.start import start_nodes
from famulus.host.check import check_host, require
from famulus.node import lifecycle
from famulus.node.node import Node
from famulus.pool import file as pool_file
from famulus.settings.spec import FabricSpec, load_spec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus.template.build import ensure
from famulus.transport import ssh


def up(
    name: str, flags: Mapping[str, object], file: Path | None, events: Events, hooks: Hooks
) -> Fabric:
    """Converge fabric `name` to what `flags`, environment and `file` ask for, and return it.

    Starts what died, adds nodes, stops those above the number asked for, and changes nothing that
    is right. On return every node answers and its ssh is ready. If it fails or is interrupted, what
    it started is stopped again and what it made is removed.
    """
    folder = FabricFolder(name)
    with locked(folder, events), ExitStack() as undo:
        if not folder.exists():
            undo.callback(folder.forget)
        spec = wanted(name, flags, file)
        pool = pool_file.pool_path(name, spec)
        require(check_host(spec, pool, running=_running(folder, spec)))
        template = ensure(spec, events)
        fabric = _register(folder, spec, template.digest, undo)
        _make_pool(fabric, undo)
        _make_caches(fabric)
        _stop_surplus(fabric, events)
        start_nodes(fabric, fabric.nodes(), undo, events)
        hooks.after_start(fabric, undo, events)
        undo.pop_all()
        return fabric


def _running(folder: FabricFolder, spec: FabricSpec) -> int:
    nodes = Fabric(folder, Record(spec, "")).nodes()
    return sum(node.running() for node in nodes)


def wanted(name: str, flags: Mapping[str, object], file: Path | None) -> FabricSpec:
    """Return what fabric `name` shall be. Raises UsageError if that makes no sense."""
    folder = FabricFolder(name)
    remembered = folder.read().spec.model_dump(exclude_defaults=True) if folder.exists() else {}
    spec = load_spec(flags, file=file, remembered=remembered)
    require_possible(spec)
    return spec


def require_possible(spec: FabricSpec) -> None:
    """Raise UsageError if `spec` asks for things that exclude each other."""
    if spec.check and not spec.noncoherent:
        raise UsageError(
            "coherent memory has nothing to check",
            hint="Leave --coherence full out, or --check.",
        )
    if not spec.watched:
        return
    flag = "--coherence none" if spec.noncoherent else "--watch"
    if spec.accel == "kvm":
        lacks = "whose caches are coherent" if spec.noncoherent else "which tells of no access"
        raise UsageError(
            f"KVM runs nodes on the host's own CPU, {lacks}",
            hint=f"`{flag}` needs `--accel tcg`, or leave --accel out.",
        )
    if spec.network == "libvirt":
        lacks = "have no caches of their own" if spec.noncoherent else "tell of no access"
        raise UsageError(
            f"nodes that libvirt runs {lacks}", hint=f"`{flag}` needs `--network user`."
        )
    if spec.noncoherent and bool(spec.cache) != (spec.eviction != "none"):
        raise UsageError(
            "a cache has both a size and a way to choose what goes when it is full, or neither",
            hint="Give both --cache SIZE and --eviction random or lru.",
        )


def _register(folder: FabricFolder, spec: FabricSpec, digest: str, undo: ExitStack) -> Fabric:
    """Store what is wanted before anything is made, so that a later command finds what was."""
    record = Record(spec, digest)
    if folder.exists():
        old = folder.read()
        _refuse_move(Fabric(folder, old), spec)
        if spec.network != "libvirt":
            _leave_libvirt(folder)
        undo.callback(folder.write, old)
        record = replace(record, ports=dict(old.ports))
    folder.write(record)
    ssh.ensure_key(folder.path / "id_ed25519", f"famulus-{folder.name}")
    return Fabric(folder, record)


def _refuse_move(old: Fabric, spec: FabricSpec) -> None:
    """Raise FamulusError if `spec` changes what the nodes of a running fabric all stand on."""
    new = Fabric(old.folder, Record(spec, ""))
    for setting, before, after in (
        ("network", old.spec.network, spec.network),
        ("subnet", old.spec.subnet, spec.subnet),
        ("pool file", old.pool, new.pool),
        ("pool", format_size(old.spec.pool), format_size(spec.pool)),
        ("coherence", old.spec.coherence, spec.coherence),
        ("plugin that watches", _loaded(old.spec), _loaded(spec)),
        ("atomics", old.spec.atomics, spec.atomics),
        ("cache", format_size(old.spec.cache), format_size(spec.cache)),
        ("eviction", old.spec.eviction, spec.eviction),
        ("seed", old.spec.seed, spec.seed),
    ):
        if before != after and old.alive():
            raise FamulusError(
                f"the fabric runs with the {setting} {before}; it cannot become {after} now",
                hint="`famulus down` first, then `famulus up` again.",
            )


def _loaded(spec: FabricSpec) -> str:
    return "loaded" if spec.watched else "not loaded"


def _leave_libvirt(folder: FabricFolder) -> None:
    """Have libvirt forget the nodes, or it could start them beside ours, on the same disks."""
    for path in folder.path.glob("node*"):
        domain.forget(path)


def _make_pool(fabric: Fabric, undo: ExitStack) -> None:
    if pool_file.ensure(fabric.pool, fabric.spec.pool):
        undo.callback(pool_file.remove, fabric.pool)


def _make_caches(fabric: Fabric) -> None:
    """Begin with empty caches, or with the plugin alone, unless nodes run."""
    spec, caches = fabric.spec, Caches(fabric.pool)
    if fabric.alive():
        return
    if not spec.watched:
        caches.remove()
        return
    local, lines = spec.atomics == "local", spec.cache // LINE
    policy = Policy(
        coherent=not spec.noncoherent,
        local_atomics=local,
        eviction=spec.eviction,
        lines=lines,
        seed=spec.seed,
    )
    require_loadable(QEMU)
    caches.create(spec.pool, policy)


def _stop_surplus(fabric: Fabric, events: Events) -> None:
    for node in fabric.surplus():
        with events.step(f"stop {node.name}"):
            _stop(fabric, node)
        events.note(f"{node.name} has left the fabric; its disk is kept until `down --purge`")


def _stop(fabric: Fabric, node: Node) -> None:
    lifecycle.stop(node)
    fabric.network.unforward(node.identity)
