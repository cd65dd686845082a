# SPDX-License-Identifier: GPL-2.0-or-later
"""Bring a pool back whose name is gone: copy the file that nodes hold to a new file."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.sparse import data_bytes, pieces, punch, write_all
from famulus.base.units import MIB, human_size
from famulus.host.space import room_for
from famulus.pool import mark
from famulus.pool.file import Pool
from famulus.pool.mark import Owner

_SPARE = 16 * MIB  # for stores between the two copies
_ELSEWHERE = "`famulus pool save FILE` copies the pool to a file elsewhere."


@contextmanager
def brought_back(pool: Pool, me: Owner, ended: Callable[[], bool]) -> Iterator[None]:
    """Give the pool, which nodes hold, its name again when the block has ended all of them.

    The pool is copied twice: before the block, so that an obstacle is an error before any node
    ends, and after the block, when nobody stores any more. `ended` tells whether no node runs; if a
    node runs after the block, the pool is as before. The copy after the block ignores interrupts.
    Raises FamulusError.
    """
    part = pool.path.with_name(f".{pool.path.name}.rescued")
    made = _claim(pool.path, me)
    _begin(pool, part)
    try:
        yield
    finally:
        if ended():
            _finish(pool, part, me, made=made)
        else:
            part.unlink(missing_ok=True)


def _claim(path: Path, me: Owner) -> bool:
    """Mark the name, so that no other fabric takes it; return whether the fabric made the pool."""
    with mark.locked(path):
        _, before = mark.look(path, me)
        if os.path.lexists(path):
            raise FamulusError(
                f"another file has the name {path} of the pool that the nodes hold",
                hint=f"Move that file away; or {_ELSEWHERE}",
            )
        made = before.made if before and before.owner == me else True
        mark.write(path, me, made=made)
        return made


def _begin(pool: Pool, part: Path) -> None:
    """Copy the pool; after an error no part of the copy is left."""
    part.unlink(missing_ok=True)  # of a process that was killed
    _require_room(pool)
    try:
        _copy(pool, part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _require_room(pool: Pool) -> None:
    with _errors(pool), pool.opened(os.O_RDONLY) as source:
        need = data_bytes(source, os.fstat(source).st_size) + _SPARE
    room = room_for(pool.path)
    if need > room:
        raise FamulusError(
            f"the name {pool} of the pool is gone, and {pool.path.parent} has no room for a copy: "
            f"{human_size(need)} are needed, {human_size(room)} are free",
            hint=f"Free some; or {_ELSEWHERE}",
        )


def _copy(pool: Pool, part: Path, *, cleanup: bool = False) -> None:
    """Make the file `part` equal to the pool, data and holes."""
    with _errors(pool), pool.opened(os.O_RDONLY) as source:
        size = os.fstat(source).st_size
        target = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(target, size)
            for piece in pieces(source, 0, size, cleanup=cleanup):
                if piece.data is None:
                    punch(target, piece.offset, piece.length)
                else:
                    write_all(target, piece.data, piece.offset)
        finally:
            os.close(target)


def _finish(pool: Pool, part: Path, me: Owner, *, made: bool) -> None:
    """Complete the copy and name it. After an error, the copy keeps the name `part`."""
    _copy(pool, part, cleanup=True)
    with mark.locked(pool.path), _errors(pool, f"The copy is {part}."):
        os.link(part, pool.path)
        part.unlink()
        mark.write(pool.path, me, made=made)


@contextmanager
def _errors(pool: Pool, hint: str = _ELSEWHERE) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FamulusError(
            f"the pool, whose name {pool} is gone, cannot be copied: {error.strerror}", hint=hint
        ) from error
