# SPDX-License-Identifier: GPL-2.0-or-later
"""The pool of a fabric: a start takes the pool, `down --purge` gives the pool up."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.coherence.caches import Caches
from famulus.fabric.caches import make_caches
from famulus.fabric.fabric import Fabric
from famulus.pool import file, mark, place
from famulus.pool.mark import Standing, TakenError
from famulus.pool.rescue import brought_back
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder

_TRIES = 3  # fabrics of other homes choose their places at the same time


def chosen_place(folder: FabricFolder, spec: FabricSpec) -> Path:
    """Return the path of the pool that the fabric in `folder` gets as `spec` wants it.

    Nothing changes; the file need not exist.
    """
    before = folder.read().pool if folder.exists() else None
    return spec.pool_file or place.choose(mark.owner(folder.name), spec.pool, before)


def ready_pool(fabric: Fabric, undo: ExitStack, events: Events) -> Fabric:
    """Make pool and caches of `fabric` ready for the start of nodes; return the fabric.

    The pool is made, or the existing one is taken. Caches begin empty, unless nodes run. Pushes on
    `undo` how to undo the changes. Raises FamulusError if the pool cannot be made, has another size
    or is another's.
    """
    if fabric.alive():
        return _running_pool(fabric, undo, events)
    with kept(fabric, events):  # if nodes have ended by themselves, their switch may hold the pool
        if fabric.network.keeper():
            fabric.network.stop()
    fabric = take_pool(Fabric(fabric.folder, fabric.record), undo, events)
    if owns_pool(fabric):
        make_caches(fabric, undo)
    return fabric


def _running_pool(fabric: Fabric, undo: ExitStack, events: Events) -> Fabric:
    if fabric.spec.watched and not fabric.caches.there():
        raise FamulusError(
            f"the files of the nodes' caches in {fabric.caches.folder} are gone",
            hint="`famulus down` keeps the pool; then `famulus up` begins with empty caches.",
        )
    if not fabric.pool.held:
        return _marked(fabric, undo, events)
    events.note(
        f"the name {fabric.pool} of the pool is gone. The nodes go on with the pool that they "
        "hold, and `famulus down` gives the pool its name back"
    )
    if fabric.backend.makes_pools and not all(node.running() for node in fabric.nodes()):
        raise FamulusError(
            f"libvirt finds the pool by its name, and {fabric.pool} is gone",
            hint="`famulus down` gives the pool its name back; then `famulus up`.",
        )
    return fabric


def take_pool(fabric: Fabric, undo: ExitStack, events: Events) -> Fabric:
    """Make the pool of `fabric`, no node of which runs, or take the existing one.

    Returns the fabric with its pool. Pushes on `undo` how to undo the change.
    """
    for tries_left in reversed(range(_TRIES)):
        path = chosen_place(fabric.folder, fabric.spec)
        try:
            return _take(fabric, path, undo, events)
        except TakenError as error:
            if fabric.spec.pool_file:
                return _share(fabric, error, events)
            if not tries_left:
                raise
    raise AssertionError


def _marked(fabric: Fabric, undo: ExitStack, events: Events) -> Fabric:
    """Mark the pool of running nodes, if an earlier version or libvirt made the pool."""
    standing, before = mark.look(fabric.pool.path, mark.owner(fabric.folder.name))
    if standing is Standing.UNKNOWN and _known(fabric, fabric.pool.path, before):
        return _take(fabric, fabric.pool.path, undo, events)
    return fabric


def _known(fabric: Fabric, path: Path, before: mark.Mark | None) -> bool:
    """Tell whether an unknown file at `path`, with the mark `before`, was made for the fabric.

    Earlier versions made no marks. libvirt makes the pool of a domain that starts by itself.
    """
    usual = path in _had(fabric) and path == place.shared_place(fabric.folder.name)
    return usual and (before is None or fabric.backend.makes_pools)


def _had(fabric: Fabric) -> set[Path]:
    """Return the places of the pools that the fabric has had."""
    pools = fabric.record.pools
    return {fabric.pool.path} if pools is None else set(pools)


def _take(fabric: Fabric, path: Path, undo: ExitStack, events: Events) -> Fabric:
    me, size = mark.owner(fabric.folder.name), fabric.spec.pool
    standing, before = mark.look(path, me)
    known = _known(fabric, path, before)
    for note in _notes(fabric, path, standing, before, known=known):
        events.note(note)
    place.take(path, size, me, undo, known=known)
    return _recorded(fabric, path)


def _notes(
    fabric: Fabric, path: Path, standing: Standing, before: mark.Mark | None, *, known: bool
) -> list[str]:
    """Return the words about a pool that is not simply the fabric's own, as before. Pure."""
    shared = place.shared_place(fabric.folder.name)
    notes = []
    if path == place.own_place(mark.owner(fabric.folder.name)) != fabric.record.pool:
        notes.append(f"{shared} {mark.whose(shared)}; the pool of this fabric is {path}")
    if standing is Standing.FREE and path in (fabric.record.pools or ()):
        notes.append(
            f"the pool {path} of this fabric is gone with its contents (a reboot and the user's "
            "last logout empty /dev/shm); a new pool is made"
        )
    if standing is Standing.LEFT and before:
        notes.append(f"{path} was the pool of {before.owner}, which is gone; it is kept")
    if standing is Standing.UNKNOWN and not known:
        notes.append(f"{path} was there already; `down --purge` leaves that file")
    return notes


def _recorded(fabric: Fabric, path: Path) -> Fabric:
    """Store `path` as the place of the fabric's pool, and return the fabric."""
    old = fabric.record
    pool = old.pool if fabric.spec.pool_file else path
    pools = (*(known for known in old.pools or () if known != path), path)
    record = replace(old, pool=pool, pools=pools)
    if record != old:
        fabric.folder.write(record)
    return Fabric(fabric.folder, record)


def _share(fabric: Fabric, error: TakenError, events: Events) -> Fabric:
    """Let the fabric use a pool file that is another fabric's, if neither has caches for it."""
    file.check(fabric.pool)
    if error.mark is None:
        raise error
    if fabric.spec.watched or fabric.caches.there():
        raise FamulusError(
            f"{error.brief}, and nodes with caches cannot share a pool with another fabric",
            hint=error.hint,
        )
    file.ensure(fabric.pool.path, fabric.spec.pool)
    events.note(f"{error.brief}; both fabrics use the file")
    return _recorded(fabric, fabric.pool.path)


def owns_pool(fabric: Fabric) -> bool:
    """Tell whether the fabric may change the files beside its pool: no other fabric owns them."""
    standing, _ = mark.look(fabric.pool.path, mark.owner(fabric.folder.name))
    return standing is not Standing.TAKEN


@contextmanager
def kept(fabric: Fabric, events: Events) -> Iterator[None]:
    """Keep the pool while the block may end the last node: a pool without a name gets it back.

    Raises FamulusError before the block if that is impossible.
    """
    if not fabric.pool.held:
        yield
        return
    with brought_back(fabric.pool, mark.owner(fabric.folder.name), lambda: not fabric.alive()):
        yield
    if not fabric.alive():
        events.note(f"the pool has its name {fabric.pool} back")


def give_up_pools(folder: FabricFolder, fabric: Fabric | None) -> list[Path]:
    """Remove all pools that the fabric in `folder` made, with their caches.

    `fabric` is None if its record is unreadable. Returns the fabric's pools that stay, because the
    fabric did not make the files.
    """
    me = mark.owner(folder.name)
    shared = place.shared_place(folder.name)
    had = _had(fabric) if fabric else {shared}
    also = {fabric.pool.path} if fabric else set()
    return [
        path
        for path in sorted({*had, *also, shared, place.own_place(me)})
        if not place.give_up(path, me, known=path in had, besides=Caches(path).remove)
        and fabric
        and path in had
    ]
