# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask the user's ssh which settings of ~/.ssh/config win over a fabric's own.

ssh takes the first value of an option, so that a line above the Include of a fabric's file wins.
"""

from dataclasses import dataclass
from pathlib import Path

from famulus.base.run import run
from famulus.base.user import with_a_name

_TIMEOUT = 30.0  # seconds; a `Match exec` of the user's may take some
_OPTIONS = (
    "hostname",
    "port",
    "user",
    "hostkeyalias",
    "identitiesonly",
    "stricthostkeychecking",
    "userknownhostsfile",
    "hostkeyalgorithms",
    "proxycommand",
    "proxyjump",
)


@dataclass(frozen=True)
class Winner:
    """An option whose value from the user's file, `theirs`, wins over the fabric's, `ours`."""

    option: str
    theirs: str
    ours: str


def winners(config: Path, node: str, user_config: str = "~/.ssh/config") -> list[Winner]:
    """Return the options for `node` that differ if the user's file stands before `config`.

    ssh reads a missing `user_config` as an empty file. Raises FamulusError if ssh cannot read one
    of the files.
    """
    ours = _options(config.read_text(encoding="utf-8"), node)
    text = f'Include "{user_config}"\n' + config.read_text(encoding="utf-8")
    theirs = _options(text, node)
    return [
        Winner(option, theirs.get(option, "none"), ours.get(option, "none"))
        for option in _OPTIONS
        if theirs.get(option, "none") != ours.get(option, "none")
    ]


def _options(text: str, node: str) -> dict[str, str]:
    """Return the options that ssh takes for `node` from a file with the contents `text`."""
    argv = [*with_a_name(), "ssh", "-G", "-F", "/dev/stdin", node]
    lines = run(argv, stdin=text, timeout=_TIMEOUT).stdout.splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)
