# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the files of the caches of a fabric whose nodes do not run."""

from contextlib import ExitStack

from famulus.coherence.caches import LINE, Policy
from famulus.fabric.fabric import Fabric


def make_caches(fabric: Fabric, undo: ExitStack) -> None:
    """Begin with empty caches, with the plugin alone, or with neither, as the settings say.

    Pushes on `undo` how to remove the files.
    """
    spec, caches = fabric.spec, fabric.caches
    if not spec.watched:
        caches.remove()
        return
    policy = Policy(
        coherent=not spec.noncoherent,
        local_atomics=spec.atomics == "local",
        eviction=spec.eviction,
        lines=spec.cache // LINE,
        seed=spec.seed,
    )
    undo.callback(caches.remove)
    caches.create(spec.pool, policy)
