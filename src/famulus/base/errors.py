# SPDX-License-Identifier: GPL-2.0-or-later
"""The errors that a user sees: one line, the details, and a hint with the cure.

Every other exception is a bug in Famulus, and only a bug shows a traceback.
"""


class FamulusError(Exception):
    """A failure that is not a bug in Famulus.

    `brief` describes the failure in one line, `details` has the evidence (output of a program, the
    end of a log), `hint` the cure. `exit_code` is the command's exit status.
    """

    exit_code = 1

    def __init__(self, brief: str, *, details: str = "", hint: str = "") -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details.strip()
        self.hint = hint

    def add_details(self, text: str) -> None:
        """Append `text` to the details, unless they have the text already."""
        text = text.strip()
        if text not in self.details:
            self.details = f"{self.details}\n{text}".strip()


class UsageError(FamulusError):
    """The user's order makes no sense: bad arguments, a broken file of settings."""

    exit_code = 2


class Interrupted(Exception):  # noqa: N818 - no error, but the user's wish
    """The user or the system asks Famulus to stop. The exit code is the shell's 128 + signal.

    The class is no FamulusError, so that code that handles failures does not handle an interrupt.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__("interrupted")
        self.exit_code = 128 + signal_number
