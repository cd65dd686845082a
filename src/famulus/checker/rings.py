# SPDX-License-Identifier: GPL-2.0-or-later
"""The rings through which nodes report their accesses: one reader, and when nodes write."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from famulus.base import lockfile, waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.coherence.caches import Caches
from famulus.fabric.parallel import each
from famulus.node import plugin
from famulus.node.node import Node

_STATE = "reader.state"
_READER = struct.Struct("<Q")  # the first member of struct stream_reader (stream.h)


@contextmanager
def only_reader(caches: Caches) -> Iterator[Path]:
    """Yield the folder of the rings while this block is their only reader.

    Raises FamulusError if there is another reader.
    """
    with reader_lock(caches):
        yield caches.stream


@contextmanager
def reader_lock(caches: Caches) -> Iterator[int]:
    """Yield the lock of the only reader: this block, and each process that inherits the file.

    Raises FamulusError if there is another reader.
    """
    with lockfile.locked_if_free(caches.stream / "reader") as lock:
        if lock is None:
            raise FamulusError(
                "this fabric is watched already",
                hint="One `famulus check`, `trace record` or `top` at a time; `check` without "
                "--fabric makes a fabric of its own; `check` without a program reports the defects "
                "of a fabric that was started by `up --check`.",
            )
        yield lock


def reader(stream: Path) -> int | None:
    """Return the number of the process that has registered as the reader, or None."""
    try:
        (word,) = _READER.unpack((stream / _STATE).read_bytes()[: _READER.size])
    except (FileNotFoundError, struct.error):
        return None
    return int(word >> 32) or None


def forget_reader(stream: Path) -> None:
    """Have no process registered. Call with the reader's lock: an earlier reader was killed."""
    with suppress(FileNotFoundError), (stream / _STATE).open("r+b") as file:  # nodes have it mapped
        file.write(bytes(_READER.size))


@contextmanager
def streams(nodes: Sequence[Node]) -> Iterator[list[str]]:
    """Let `nodes` report their accesses while the block runs.

    Yields a list that has a sentence, after the block, for each node that did not answer then: its
    last accesses may be missing. Raises FamulusError if a node does not answer before the block.
    """
    doubts: list[str] = []
    try:
        report_accesses(nodes, begin=True)
        yield doubts
    except Interrupted:
        waiting.forget_interrupt()
        raise
    finally:
        doubts += filter(None, each(nodes, _ends_reports).values())


def _ends_reports(node: Node) -> str:
    """Let `node` report no more; return an empty string, or what may be missing."""
    if node.state() == "stopped":
        return f"{node.name} is off: its last accesses may be missing"
    try:
        plugin.stream(node, begin=False)
    except FamulusError as error:
        return f"{error.brief}: its last accesses may be missing"
    return ""


def report_accesses(nodes: Sequence[Node], *, begin: bool) -> None:
    """Let `nodes` report their accesses from now on, or no more."""
    each(nodes, lambda node: plugin.stream(node, begin=begin))
