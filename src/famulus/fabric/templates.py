# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the templates and snapshots that fabrics need; rebuild a template."""

from collections.abc import Callable
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.node.below import snapshot_below, template_below
from famulus.settings.identity import MAX_NODES
from famulus.settings.spec import FabricSpec
from famulus.snapshot import store as snapshots
from famulus.state.folder import FabricFolder, all_fabrics
from famulus.state.record import Record
from famulus.template import store
from famulus.template.build import ensure
from famulus.template.guest import guest_files
from famulus.template.recipe import Recipe
from famulus.template.store import Template


def templates_in_use() -> dict[str, list[str]]:
    """Return, for each template digest that is needed, the fabrics that need it.

    A fabric needs the templates below its nodes' disks, also below the disks of nodes that left the
    fabric, and the template of the next new node.
    """
    return _users(template_below, lambda record: {record.template})


def snapshots_in_use() -> dict[str, list[str]]:
    """Return, for each snapshot digest below a node's disk, the fabrics with such nodes."""
    return _users(snapshot_below, lambda _: set())


def rebuilt(spec: FabricSpec, events: Events) -> Template:
    """Return the template for `spec`, built anew from the mirror's present packages.

    Raises FamulusError if a fabric needs the existing template, which the new one would replace.
    """
    digest = Recipe.from_spec(spec).digest(guest_files())
    if users := templates_in_use().get(digest):
        raise FamulusError(
            f"the template {digest} cannot be built anew while fabric '{users[0]}' stands on it",
            hint=f"`famulus down --purge --fabric {users[0]}` first, or --reuse the template.",
        )
    snapshots.vault().prune(snapshots.vault().digests() - _snapshots_of(digest))
    store.vault().prune(store.vault().digests() - {digest})
    return ensure(spec, events)


def _snapshots_of(template: str) -> set[str]:
    vault = snapshots.vault()
    records = {digest: vault.read(digest) or {} for digest in vault.digests()}
    return {digest for digest, record in records.items() if record.get("template") == template}


def _users(
    below: Callable[[Path], str | None], besides: Callable[[Record], set[str]]
) -> dict[str, list[str]]:
    used: dict[str, list[str]] = {}
    for folder in all_fabrics():
        nodes = map(folder.node, range(1, MAX_NODES + 1))
        digests = {*map(below, nodes), *_besides(folder, besides)}
        for digest in digests - {None}:
            used.setdefault(str(digest), []).append(folder.name)
    return used


def _besides(folder: FabricFolder, besides: Callable[[Record], set[str]]) -> set[str]:
    """Return the digests in the fabric's record; none if another release wrote the record."""
    try:
        return besides(folder.read())
    except FamulusError:
        return set()
