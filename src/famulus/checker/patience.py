# SPDX-License-Identifier: GPL-2.0-or-later
"""A word to the user when nodes wait long for the checker, or for each other.

No access of a node may be lost, so nodes wait as long as the checker lives.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from famulus.base.errors import FamulusError, Interrupted
from famulus.base.events import Events
from famulus.base.process import is_stopped
from famulus.checker.rings import reader
from famulus.node.node import THE_CHECKER, Node

_LOOK = 2.0  # seconds between two looks
_LONG = 5  # seconds of a wait that is worth a word


@contextmanager
def told_of_waits(nodes: Sequence[Node], stream: Path, events: Events) -> Iterator[None]:
    """Tell the user, while the block runs, if `nodes` wait, or the reader of `stream` is stopped.

    The same words are not told twice in a row.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(nodes, stream, events, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _watch(nodes: Sequence[Node], stream: Path, events: Events, ended: threading.Event) -> None:
    said = ""
    while not ended.wait(_LOOK):
        try:
            text = complaint(nodes, stream)
        except (FamulusError, Interrupted, OSError):  # the block ends, or fails, for itself
            return
        if text and text != said:
            events.note(text)
        said = text


def complaint(nodes: Sequence[Node], stream: Path) -> str:
    """Return the words about the present waits; empty without a long wait."""
    process = reader(stream)
    if process and is_stopped(process):
        return (
            f"the checker (process {process}) is stopped, and nodes wait for the checker; "
            f"`kill -CONT {process}` lets the checker go on"
        )
    waits = [(node.name, wait) for node in nodes if (wait := node.waits()) and wait.seconds > _LONG]
    whoms = sorted({wait.whom for _, wait in waits})
    return "; ".join(_sentence([n for n, w in waits if w.whom == whom], whom) for whom in whoms)


def _sentence(names: Sequence[str], whom: str) -> str:
    verb = "waits" if len(names) == 1 else "wait"
    why = "this host is busy" if whom == THE_CHECKER else f"is {whom}'s QEMU stopped?"
    return f"{', '.join(names)} {verb} for {whom}: {why}"
