# SPDX-License-Identifier: GPL-2.0-or-later
"""Points at which rooms above the fabric join in: a start, a stop, a status, a command.

The fabric knows none of these rooms. A caller passes the hooks, `cli/hooks.py` for the command
line; every function that needs them has a parameter without a default.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from famulus.base.events import Events
from famulus.fabric.fabric import Fabric
from famulus.state.folder import FabricFolder


def _nothing(*_: object) -> None:
    pass


def _unchanged(_fabric: Fabric, command: Sequence[str]) -> Sequence[str]:
    return command


@dataclass(frozen=True)
class Hooks:
    """Functions that a fabric calls; the defaults do nothing.

    The fabric holds its lock while `after_start` and `on_sweep` run.
    """

    after_start: Callable[[Fabric, ExitStack, Events], None] = _nothing
    """Runs when all nodes of a start answer; pushes on the stack how to undo its work."""

    on_sweep: Callable[[FabricFolder], None] = _nothing
    """Ends the processes of a fabric whose state may be unreadable."""

    checker: Callable[[Fabric], str | None] = _nothing
    """Returns the state of the fabric's checker for `status`, or None without a checker."""

    wrap: Callable[[Fabric, Sequence[str]], Sequence[str]] = _unchanged
    """Returns the words that run a command, possibly none, in a node."""


NO_HOOKS = Hooks()
