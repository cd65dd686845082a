# SPDX-License-Identifier: GPL-2.0-or-later
"""Run an action on many nodes in parallel."""

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
    """Return how many nodes may start in parallel.

    Under TCG each start takes a core for itself; one more start fills the moments of waiting.
    """
    return (os.cpu_count() or 1) + 1


def each(
    nodes: Iterable[Node],
    action: Callable[[Node], T],
    *,
    width: int = WIDE,
    abandon: Callable[[], None] = lambda: None,
) -> dict[int, T]:
    """Run `action` on every node, `width` in parallel, and return the results by node number.

    At the first failure no further action begins and `abandon` is called, which should end the
    actions that run. When no action runs any more, the failure is raised.
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
    """Return the names of the nodes, short enough for a line."""
    if len(nodes) > _FEW:
        return f"{nodes[0].name} to {nodes[-1].name} ({len(nodes)} nodes)"
    return ", ".join(node.name for node in nodes)


def attempt(nodes: Iterable[Node], action: Callable[[Node], None], *, width: int = WIDE) -> None:
    """Run `action` on every node, also after failures; then raise all failures as one error."""

    def guarded(node: Node) -> FamulusError | None:
        try:
            action(node)
        except FamulusError as error:
            return error
        return None

    raise_all([error for error in each(nodes, guarded, width=width).values() if error], "nodes")


def raise_all(failures: Sequence[FamulusError], noun: str) -> None:
    """Raise `failures` as one error if there are any; `noun` names the failed things, plural."""
    if len(failures) == 1:
        raise failures[0]
    if failures:
        details = "\n".join(f"{error.brief}. {error.hint}" for error in failures)
        raise FamulusError(f"{len(failures)} {noun} failed", details=details)
