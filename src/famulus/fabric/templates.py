# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the templates and snapshots that fabrics need; rebuild a template."""

from collections.abc import Set
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.settings.spec import FabricSpec
from famulus.snapshot import store as snapshots
from famulus.state.folder import FabricFolder, all_fabrics
from famulus.state.homes import fabrics_on, missing
from famulus.template import store
from famulus.template.build import ensure
from famulus.template.guest import guest_files
from famulus.template.recipe import Recipe
from famulus.template.store import Template


def templates_in_use() -> dict[str, list[str]]:
    """Return, for each template digest that is needed, the fabrics that need it.

    A fabric needs the templates below its nodes' disks, also below the disks of nodes that left the
    fabric, and the template of the next new node. Fabrics of other homes count if they share the
    templates. Raises FamulusError if the host cannot tell.
    """
    used = fabrics_on("template", paths.templates())
    for folder in all_fabrics():
        for digest in _template_of_new_nodes(folder):
            used[digest] = sorted({*used.get(digest, []), folder.name})
    return used


def snapshots_in_use() -> dict[str, list[str]]:
    """Return, for each snapshot digest below a node's disk, the fabrics with such nodes.

    Raises FamulusError if the host cannot tell.
    """
    return fabrics_on("snapshot", paths.snapshots())


def prune_templates() -> int:
    """Remove the templates that no fabric needs, and their snapshots; return the bytes freed."""
    unneeded = store.vault().digests() - set(templates_in_use())
    freed = snapshots.prune(snapshots.vault().digests() - _snapshots_of(unneeded))
    return freed + store.prune(store.vault().digests() - unneeded)


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
    snapshots.prune(snapshots.vault().digests() - _snapshots_of({digest}))
    store.prune(store.vault().digests() - {digest})
    if store.find(digest):
        raise FamulusError(
            f"the template {digest} cannot be built anew: {_why_kept(digest)}",
            hint="Try again later, or --reuse the template.",
        )
    return ensure(spec, events)


def _why_kept(digest: str) -> str:
    users = store.vault().users(store.vault().folder(digest))
    return f"disks may lie on it ({users[0]})" if users else "another command uses it"


def homes_missing() -> dict[Path, Path]:
    """Return the homes that share this home's templates or snapshots and are not there now.

    A prune keeps everything for them. Each home has the file that registers the home.
    """
    return {**missing(paths.templates()), **missing(paths.snapshots())}


def _snapshots_of(digests: Set[str]) -> set[str]:
    vault = snapshots.vault()
    records = {digest: vault.read(digest) or {} for digest in vault.digests()}
    return {digest for digest, record in records.items() if record.get("template") in digests}


def _template_of_new_nodes(folder: FabricFolder) -> list[str]:
    """Return the digest in the fabric's record; none if another release wrote the record."""
    try:
        return [folder.read().template]
    except FamulusError:
        return []
