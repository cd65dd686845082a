# SPDX-License-Identifier: GPL-2.0-or-later
"""Read, write, clear, save and load the pool, whether nodes run or not.

Offsets and sizes are bytes. Every range is checked against the pool before anything is touched.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from famulus.base.errors import FamulusError, UsageError
from famulus.base.sparse import Piece, data_bytes, pieces, punch, write_all
from famulus.base.units import format_size, human_size
from famulus.coherence.caches import Caches
from famulus.pool.file import Pool, used_bytes


def read(pool: Pool, offset: int, size: int) -> Iterator[Piece]:
    """Yield `size` bytes at `offset` in pieces, data and holes; holes are not read.

    Raises UsageError if the range leaves the pool, FamulusError if there is no pool.
    """
    with _opened(pool, os.O_RDONLY) as (fd, end):
        _check_range(end, offset, size)
        yield from pieces(fd, offset, offset + size)


def write(pool: Pool, offset: int, data: bytes) -> None:
    """Write `data` at `offset`. Raises UsageError, and writes nothing, if that leaves the pool."""
    with _opened(pool, os.O_RDWR) as (fd, end):
        _check_range(end, offset, len(data))
        _store(pool, fd, Piece(offset, len(data), data))


def clear(pool: Pool, offset: int = 0, size: int | None = None) -> int:
    """Make `size` bytes at `offset` zeros, by default the whole pool; return their number.

    Their memory is freed, unless nodes have caches for the pool; the pool keeps its size. Raises
    UsageError if the range leaves the pool.
    """
    with _opened(pool, os.O_RDWR) as (fd, end):
        size = end - offset if size is None else size
        _check_range(end, offset, size)
        _store(pool, fd, Piece(offset, size, None))
    return size


def save(pool: Pool, target: Path, *, force: bool = False) -> int:
    """Copy the pool, holes included, to the file `target`, and return the pool's size.

    `target` has mode 0600 and is whole or not there. Raises FamulusError if `target` exists, unless
    `force` is set, and if `target` cannot be written.
    """
    if target.exists() and pool.there() and target.samefile(pool.at):
        raise FamulusError(f"{target} is the pool itself", hint="Choose another name.")
    if target.exists() and not force:
        raise FamulusError(f"{target} exists", hint="Choose another name, or give --force.")
    part = target.with_name(f".{target.name}.{os.getpid()}")
    with _opened(pool, os.O_RDONLY) as (source, end):
        try:
            _copy_to_new(source, end, part)
            part.replace(target)
        except OSError as error:
            raise FamulusError(
                f"cannot save the pool to {target}: {error.strerror}",
                hint=f"The pool has {human_size(data_bytes(source, end))} of data.",
            ) from error
        finally:
            part.unlink(missing_ok=True)
    return end


def load(pool: Pool, source: Path) -> int:
    """Copy the file `source` to the pool's beginning and return its size; the rest stays.

    Raises FamulusError, and writes nothing, if the file cannot be read, is larger than the pool, or
    needs more room than there is.
    """
    with _opened(pool, os.O_RDWR) as (fd, end), _source(source) as (from_fd, size):
        if size > end:
            raise FamulusError(
                f"{source} has {format_size(size)}, the pool only {format_size(end)}",
                hint="Nothing was written. Load the file into a fabric with a larger --pool.",
            )
        _check_room(pool, data_bytes(from_fd, size))
        for piece in pieces(from_fd, 0, size):
            _store(pool, fd, piece)
    return size


def _store(pool: Pool, fd: int, piece: Piece) -> None:
    """Store the piece in the pool, and in the nodes' images of the pool if they have caches."""
    caches = Caches(pool.path, pool.held)
    if caches.private():
        _store_before(caches, piece)
    elif piece.data is None:
        punch(fd, piece.offset, piece.length)
    else:
        write_all(fd, piece.data, piece.offset)


def _store_before(caches: Caches, piece: Piece) -> None:
    """Store the piece through the tool of the caches, as a node without a cache does.

    Holes then take room.
    """
    if piece.data is None:
        caches.zero(piece.offset, piece.length)
        return
    with NamedTemporaryFile() as file:
        file.write(piece.data)
        file.flush()
        caches.write(piece.offset, Path(file.name))


@contextmanager
def _opened(pool: Pool, flags: int) -> Iterator[tuple[int, int]]:
    """Yield a descriptor of the pool and its size. An OSError becomes a FamulusError."""
    try:
        with pool.opened(flags) as fd:
            yield fd, os.fstat(fd).st_size
    except OSError as error:
        raise FamulusError(
            f"the pool {pool}: {error.strerror}",
            hint=f"Is there room in {pool.path.parent}? `famulus doctor` looks.",
        ) from error


@contextmanager
def _source(path: Path) -> Iterator[tuple[int, int]]:
    try:
        if not path.is_file():
            raise FamulusError(
                f"{path} is not a file", hint="`famulus pool save` makes a file of a pool."
            )
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise FamulusError(f"cannot read {path}: {error.strerror}") from error
    try:
        yield fd, os.fstat(fd).st_size
    finally:
        os.close(fd)


def _check_range(end: int, offset: int, size: int) -> None:
    if offset >= 0 and size >= 0 and offset + size <= end:
        return
    raise UsageError(
        f"{size:#x} bytes at {offset:#x} leave the pool, which ends at {end:#x}",
        hint=f"The pool has {format_size(end)}.",
    )


def _check_room(pool: Pool, need: int) -> None:
    status = os.statvfs(pool.at)
    room = status.f_bavail * status.f_frsize + used_bytes(pool)
    if need > room:
        folder = pool.path.parent
        raise FamulusError(
            f"{folder} has room for {human_size(room)}, but the file has {human_size(need)}",
            hint="Nothing was written. Free some memory, or use a pool elsewhere with --pool-file.",
        )


def _copy_to_new(source: int, end: int, target: Path) -> None:
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(fd, end)
        for piece in pieces(source, 0, end):
            if piece.data is not None:
                write_all(fd, piece.data, piece.offset)
    finally:
        os.close(fd)
