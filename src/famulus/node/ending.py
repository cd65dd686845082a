# SPDX-License-Identifier: GPL-2.0-or-later
"""Watch for the end of a node's machine, which ends every session in the node."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from famulus.base.errors import FamulusError
from famulus.base.process import watch
from famulus.node.node import Node


@contextmanager
def watch_machine(node: Node) -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether the machine that `node` has now has ended.

    A machine that is paused, in whatever way, has not ended; a machine in its place does not count.
    """
    pid = node.runner.pid()
    if pid is None:  # no machine, or one whose process another user hides
        yield lambda: _is_off(node)
        return
    with watch(pid) as ended:
        yield ended


def _is_off(node: Node) -> bool:
    try:
        return not node.running()
    except FamulusError:  # libvirt restarts, and its machines go on
        return False
