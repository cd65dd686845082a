# SPDX-License-Identifier: GPL-2.0-or-later
"""The errors a user sees: what went wrong, the details, what to do next.

Everything else that is raised is a bug of ours, and only a bug shows a traceback.
"""


class FamulusError(Exception):
    """Something failed that is not our bug.

    `brief` says in one line what went wrong, `details` holds the evidence (output of a program, the
    end of a log), `hint` says what to do next. `exit_code` is the command's exit status.
    """

    exit_code = 1

    def __init__(self, brief: str, *, details: str = "", hint: str = "") -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details.strip()
        self.hint = hint


class UsageError(FamulusError):
    """What was asked for makes no sense: bad arguments, a broken file of settings."""

    exit_code = 2


class Interrupted(Exception):  # noqa: N818 - not an error of anybody's
    """The user, or the system, asked us to stop. The exit code is the shell's 128 + signal.

    It is no FamulusError, so that nothing which copes with a failure copes with this.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__("interrupted")
        self.exit_code = 128 + signal_number
