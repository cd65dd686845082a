# SPDX-License-Identifier: GPL-2.0-or-later
"""What the checker does at a start, a stop, a status and a command of a fabric."""

from collections.abc import Sequence

from famulus.checker import service
from famulus.checker.background import Background
from famulus.checker.wrapper import traced
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import Hooks
from famulus.state.folder import FabricFolder


def _end(folder: FabricFolder) -> None:
    Background(folder.checker).stop()


def _wrap(fabric: Fabric, command: Sequence[str]) -> Sequence[str]:
    """Return the words that run `command` traced; a login without a command stays a login."""
    return traced(command) if fabric.spec.check and command else command


CHECKER = Hooks(after_start=service.keep_checking, on_sweep=_end, checker=service.state, wrap=_wrap)
