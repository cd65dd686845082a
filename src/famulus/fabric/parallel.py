# SPDX-License-Identifier: GPL-2.0-or-later
"""Do one thing to many nodes at a time."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from famulus.base.errors import FamulusError
from famulus.node.node import Node

T = TypeVar("T")

_FEW = 3
WIDE = 64  # for waits that cost the host nothing


def host_width() -> int:
    """Return how many nodes may start at a time.

    Under TCG each takes a core for itself; one more fills the moments in which they wait.
    """
    return (os.cpu_count() or 1) + 1


def each(
    nodes: Iterable[Node],
    action: Callable[[Node], T],
    *,
    width: int = WIDE,
    abandon: Callable[[], None] = lambda: None,
) -> dict[int, T]:
    """Run `action` on every node, `width` at a time, and return the results by node number.

    At the first failure what has not begun is not begun, `abandon` is called to end what has, and
    when nothing runs any more that failure is raised.
    """
    with ThreadPoolExecutor(max_workers=width) as pool:
        futures = {node.number: pool.submit(action, node) for node in nodes}
        done, pending = wait(futures.values(), return_when=FIRST_EXCEPTION)
        first = next((future for future in done if future.exception()), None)
        if first:
            for future in pending:
                future.cancel()
            abandon()
            first.result()
        return {number: future.result() for number, future in futures.items()}


def in_words(nodes: Sequence[Node]) -> str:
    """Return which nodes these are, short enough for a line."""
    if len(nodes) > _FEW:
        return f"{nodes[0].name} to {nodes[-1].name} ({len(nodes)} nodes)"
    return ", ".join(node.name for node in nodes)


def attempt(nodes: Iterable[Node], action: Callable[[Node], None], *, width: int = WIDE) -> None:
    """Run `action` on every node, whatever happens on others; then raise what failed, as one."""

    def guarded(node: Node) -> FamulusError | None:
        try:
            action(node)
        except FamulusError as error:
            return error
        return None

    raise_all([error for error in each(nodes, guarded, width=width).values() if error], "nodes")


def raise_all(failures: Sequence[FamulusError], what: str) -> None:
    """Raise `failures` as one error about several `what`, if there are any."""
    if len(failures) == 1:
        raise failures[0]
    if failures:
        details = "\n".join(f"{error.brief}. {error.hint}" for error in failures)
        raise FamulusError(f"{len(failures)} {what} failed", details=details)
