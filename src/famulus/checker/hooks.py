# SPDX-License-Identifier: GPL-2.0-or-later
"""The checker's part in a start, a stop, a status and a command of a fabric."""

from collections.abc import Sequence

from famulus.checker import checked_fabric
from famulus.checker.analyser_service import AnalyserService
from famulus.checker.command import traced
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import Hooks
from famulus.state.folder import FabricFolder


def _end(folder: FabricFolder) -> None:
    AnalyserService(folder.checker).stop()


def _wrap(fabric: Fabric, command: Sequence[str]) -> Sequence[str]:
    """Return the words that run `command` traced; a login without a command stays a login."""
    return traced(command) if fabric.spec.check and command else command


CHECKER = Hooks(
    after_start=checked_fabric.keep_checking,
    on_sweep=_end,
    checker=checked_fabric.state,
    wrap=_wrap,
)
