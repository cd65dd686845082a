# SPDX-License-Identifier: GPL-2.0-or-later
"""Which templates and snapshots are needed, and by which fabrics."""

from collections.abc import Callable

from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.node.node import Node
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

    Needed is what lies below a node's disk, also that of a node no longer wanted, and what the next
    new node would be made from.
    """
    return _users(lambda node: node.template(), lambda record: {record.template})


def snapshots_in_use() -> dict[str, list[str]]:
    """Return, for each snapshot digest below some node's disk, the fabrics that need it."""
    return _users(lambda node: node.snapshot(), lambda _: set())


def rebuilt(spec: FabricSpec, events: Events) -> Template:
    """Return the template for `spec`, built now of what the mirror has today.

    Raises FamulusError if there is one that some fabric stands on, which would lose its ground.
    """
    digest = Recipe.from_spec(spec).digest(guest_files())
    if users := templates_in_use().get(digest):
        raise FamulusError(
            f"the template {digest} cannot be built anew while fabric '{users[0]}' stands on it",
            hint=f"`famulus down --purge --fabric {users[0]}` first, or take it as it is: --reuse.",
        )
    snapshots.vault().prune(snapshots.vault().digests() - _snapshots_of(digest))
    store.vault().prune(store.vault().digests() - {digest})
    return ensure(spec, events)


def _snapshots_of(template: str) -> set[str]:
    vault = snapshots.vault()
    records = {digest: vault.read(digest) or {} for digest in vault.digests()}
    return {digest for digest, record in records.items() if record.get("template") == template}


def _users(
    below: Callable[[Node], str | None], besides: Callable[[Record], set[str]]
) -> dict[str, list[str]]:
    used: dict[str, list[str]] = {}
    for folder in all_fabrics():
        nodes = (Node(folder, number, FabricSpec()) for number in range(1, MAX_NODES + 1))
        digests = {*map(below, nodes), *_besides(folder, besides)}
        for digest in digests - {None}:
            used.setdefault(str(digest), []).append(folder.name)
    return used


def _besides(folder: FabricFolder, besides: Callable[[Record], set[str]]) -> set[str]:
    """Return what the record of a fabric adds; nothing if another release has written it."""
    try:
        return besides(folder.read())
    except FamulusError:
        return set()
