# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands that only root may run: directly as root, through sudo as anybody else."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from famulus.base.errors import FamulusError
from famulus.base.run import find_program, shell_line
from famulus.base.session import interactive


@dataclass(frozen=True)
class RootStep:
    """A change to the host: the `action` and its `reason`, both as parts of a sentence."""

    action: str
    reason: str
    argv: Sequence[str]

    @property
    def line(self) -> str:
        """The command as this user would type it."""
        return shell_line(as_root(self.argv))


def is_root() -> bool:
    """Return whether this user is root."""
    return os.geteuid() == 0


def as_root(argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` as root."""
    return list(argv) if is_root() else ["sudo", "--", *argv]


def require_sudo(steps: Sequence[RootStep]) -> None:
    """Have sudo agree to `steps` before anything is done; sudo may ask for a password.

    Nothing happens for root, or without steps. Raises FamulusError if sudo is missing or refuses.
    """
    if is_root() or not steps:
        return
    cure = "Ask an administrator to run: " + "; ".join(shell_line(step.argv) for step in steps)
    if find_program("sudo") is None:
        raise FamulusError("root is needed, and sudo is not installed", hint=cure)
    if interactive(["sudo", "--validate"]):
        raise FamulusError("root is needed, and sudo refuses", hint=cure)


def carry_out(step: RootStep) -> None:
    """Make the change. Raises FamulusError if its command fails, whose output the user has seen."""
    if interactive(as_root(step.argv)):
        raise FamulusError(f"cannot {step.action}", hint=f"The command was: {step.line}")
