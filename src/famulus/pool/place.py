# SPDX-License-Identifier: GPL-2.0-or-later
"""The places of pools: choose a place, take the pool there, give the pool up again.

All fabrics of the same name would like to have the same place in shared memory. If that is the pool
of a fabric in another FAMULUS_HOME, or another user's, a fabric gets a place of its own, whose name
has a digest of FAMULUS_HOME.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from famulus.base.paths import POOL_NAME, SHARED_MEMORY
from famulus.pool import file, mark
from famulus.pool.mark import Owner, Standing, TakenError
from famulus.settings.fabric_name import DEFAULT_NAME


def shared_place(fabric: str) -> Path:
    """Return the place that fabrics called `fabric` of all homes would like to have. Pure."""
    return SHARED_MEMORY / (POOL_NAME if fabric == DEFAULT_NAME else f"{POOL_NAME}.{fabric}")


def own_place(me: Owner) -> Path:
    """Return the place that no fabric of another home would like to have. Pure."""
    digest = hashlib.sha256(os.fsencode(me.home)).hexdigest()[:8]
    return SHARED_MEMORY / f"{POOL_NAME}.{me.fabric}.{digest}"


def choose(me: Owner, size: int, before: Path | None) -> Path:
    """Return the place for the pool of `size` bytes of the fabric `me`; nothing changes.

    The fabric keeps the place `before`, where its pool was, unless another fabric took that.
    """
    if before and mark.look(before, me)[0] is not Standing.TAKEN:
        return before
    place = shared_place(me.fabric)
    return place if _may_take(place, me, size) else own_place(me)


def _may_take(place: Path, me: Owner, size: int) -> bool:
    standing, _ = mark.look(place, me)
    if standing is Standing.LEFT:
        return place.stat().st_size == size
    return standing is not Standing.TAKEN


def take(place: Path, size: int, me: Owner, undo: ExitStack, *, known: bool) -> Standing:
    """Make the pool at `place` with `size` bytes, or take the existing file, for the fabric `me`.

    Returns the relation of the fabric to the place before. If `known` is set, a file without a mark
    is the fabric's own: earlier versions made no marks, and libvirt makes none. Pushes on `undo`
    how to undo the change. Raises TakenError, and FamulusError as `file.ensure` does.
    """
    with mark.locked(place):
        standing, before = mark.look(place, me)
        if standing is Standing.TAKEN:
            raise TakenError(place, before)
        if standing is Standing.OURS:
            file.ensure(place, size)
            return standing
        made = known or standing is not Standing.UNKNOWN
        undo.callback(_put_back, place, before, remove=standing is Standing.FREE)
        if standing is Standing.FREE:
            mark.write(place, me, made=True)
        made |= file.ensure(place, size)
        mark.write(place, me, made=made)
        return standing


def _put_back(place: Path, before: mark.Mark | None, *, remove: bool) -> None:
    with mark.locked(place):
        if remove:
            file.remove(place)
        mark.put(place, before)


def give_up(place: Path, me: Owner, *, known: bool, besides: Callable[[], None]) -> bool:
    """Remove the pool at `place` if the fabric `me` made the file; tell whether no file is left.

    The fabric's mark goes in any case. `known` tells that the fabric has had its pool there.
    `besides` removes other files that belong to the pool; it is called if the pool is the fabric's.
    Raises FamulusError.
    """
    if not mark.locks(place):
        return not os.path.lexists(place)
    with mark.locked(place):
        standing, marked = mark.look(place, me)
        if standing is Standing.TAKEN:
            return False
        ours = marked is not None and marked.owner == me
        if _made(place, me, known=known):
            file.remove(place)
            ours = True
        if ours or standing is Standing.FREE:
            mark.put(place, None)
        if ours or known:
            besides()
    return not os.path.lexists(place)


def _made(place: Path, me: Owner, *, known: bool) -> bool:
    """Tell whether the fabric `me` made the file at `place`.

    Earlier versions made no marks, and libvirt makes none. If the mark names a fabric that is gone,
    FAMULUS_HOME was moved.
    """
    standing, marked = mark.look(place, me)
    if marked is None:
        return known and place == shared_place(me.fabric)
    return marked.made and (standing is Standing.OURS or (standing is Standing.LEFT and known))
