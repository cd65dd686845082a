# SPDX-License-Identifier: GPL-2.0-or-later
"""Read and change the ext4 partition inside a raw image, with debugfs(8).

Every host that makes templates has e2fsprogs, whose debugfs the authors of ext4 maintain.
"""

import re
import secrets
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.run import find_program, run
from famulus.base.units import MIB

OFFSET = MIB  # bytes before the partition, see template.disk

_TIMEOUT = 300.0  # seconds
_NO_PAGER = {"DEBUGFS_PAGER": "__none__"}
_LAST = "pwd"  # prints a line if a file system is open
_BANNER = re.compile(r"(?:debugfs|e2fsck) \d+\.\d+\S* \(.*\)")
_FULL = "Could not allocate"


def quote(text: str) -> str:
    """Return `text` as a single word of a command.

    Raises FamulusError for unprintable characters: a command is a line of UTF-8.
    """
    if not text.isprintable():
        raise FamulusError(
            f"the name {text!r} has a character that no command of debugfs can have",
            hint="Choose another name.",
        )
    return '"' + text.replace('"', '""') + '"'


def read(disk: Path, commands: Sequence[str]) -> list[bytes]:
    """Return the output of debugfs for each of `commands`; a failed command has no output.

    Names are the bytes of the file system, in any encoding. Raises FamulusError if `disk` has no
    readable file system, or if the output is incomplete.
    """
    asked, mark = [*commands, _LAST], f"# {secrets.token_hex(16)}"
    with tempfile.TemporaryDirectory(prefix="famulus-debugfs-") as folder:
        printed = Path(folder) / "printed"
        argv = [_program(), "-f", "-", partition(disk)]
        result = run(
            ["sh", "-c", 'exec "$@" > "$0"', printed, *argv],
            stdin=_lines(line for command in asked for line in (command, mark)),
            check=False,
            timeout=_TIMEOUT,
            cwd=disk.parent,
            env=_NO_PAGER,
        )
        answers = _answers(printed.read_bytes(), asked, f"{mark}\n".encode())
    if not (answers and answers[-1]):
        raise FamulusError(
            f"debugfs cannot read all of {disk}",
            details=without_banner(result.stderr),
            hint=f"Is {tempfile.gettempdir()} full?",
        )
    return answers[:-1]


def write(disk: Path, commands: Sequence[str]) -> None:
    """Carry out `commands`, which change the file system of `disk`.

    Raises FamulusError if debugfs reports an error. debugfs carries out the commands after a failed
    one, so that `disk` is useless then.
    """
    argv = [_program(), "-w", "-f", "-", partition(disk)]
    result = run(
        argv,
        stdin=_lines(commands),
        check=False,
        timeout=_TIMEOUT,
        cwd=disk.parent,
        env=_NO_PAGER,
    )
    complaints = without_banner(result.stderr)
    if complaints or result.returncode:
        raise FamulusError(
            f"debugfs cannot write into {disk}",
            details=complaints,
            hint="The file system in the disk is full." if _FULL in complaints else "",
        )


def partition(disk: Path) -> str:
    """Return the partition of `disk` as e2fsprogs name it, relative to the folder of `disk`.

    Raises FamulusError for a name with a question mark, which e2fsprogs take for the name's end.
    """
    if "?" in disk.name:
        raise FamulusError(
            f"{disk.name!r} has a question mark, which debugfs takes for the end of the name",
            hint="Choose another name.",
        )
    return f"./{disk.name}?offset={OFFSET}"


def without_banner(text: str) -> str:
    """Return `text`, the standard error of a program of e2fsprogs, without the version line."""
    return "\n".join(line for line in text.splitlines() if not _BANNER.fullmatch(line))


def _lines(commands: Iterable[str]) -> str:
    return "".join(f"{command}\n" for command in commands)


def _answers(printed: bytes, commands: Sequence[str], mark: bytes) -> list[bytes]:
    """Return the text between the echo of each of `commands` and `mark`; [] if text is missing.

    debugfs echoes comments, too, and no name in the file system equals the random `mark`.
    """
    *parts, rest = printed.split(mark)
    echoes = [f"debugfs: {command}\n".encode() for command in commands]
    if rest or len(parts) != len(echoes) or not all(map(bytes.startswith, parts, echoes)):
        return []
    return [part[len(echo) :] for part, echo in zip(parts, echoes, strict=True)]


def _program() -> str:
    found = find_program("debugfs")
    if found is None:
        raise FamulusError(
            "the program 'debugfs' is not installed", hint="The package e2fsprogs has debugfs."
        )
    return found
