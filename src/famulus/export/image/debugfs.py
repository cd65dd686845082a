# SPDX-License-Identifier: GPL-2.0-or-later
"""debugfs(8): read and change the ext4 partition of a raw image in the place where it lies.

e2fsprogs is there wherever a template is made, and is the one reader that ext4's makers keep.
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

_TIMEOUT = 300.0
_NO_PAGER = {"DEBUGFS_PAGER": "__none__"}
_LAST = "pwd"  # answers something wherever a file system is open
_BANNER = re.compile(r"(?:debugfs|e2fsck) \d+\.\d+\S* \(.*\)")
_FULL = "Could not allocate"


def quote(text: str) -> str:
    """Return `text` as one word of a command.

    Raises FamulusError for characters that cannot be printed: a command is a line of UTF-8.
    """
    if not text.isprintable():
        raise FamulusError(
            f"the name {text!r} has a character that debugfs cannot be told",
            hint="Choose another name.",
        )
    return '"' + text.replace('"', '""') + '"'


def read(disk: Path, commands: Sequence[str]) -> list[bytes]:
    """Return what debugfs prints for each of `commands`; a command that fails prints nothing.

    The bytes are as they stand in the file system, whatever the encoding of a name is. Raises
    FamulusError if `disk` has no file system that can be read, or not all was printed.
    """
    asked, mark = [*commands, _LAST], f"# {secrets.token_hex(16)}"
    with tempfile.TemporaryDirectory(prefix="famulus-debugfs-") as folder:
        printed = Path(folder) / "printed"
        argv = [_program(), "-f", "-", partition(disk)]
        said = run(
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
            details=without_banner(said.stderr),
            hint=f"Is {tempfile.gettempdir()} full?",
        )
    return answers[:-1]


def write(disk: Path, commands: Sequence[str]) -> None:
    """Carry out `commands`, which change the file system of `disk`.

    Raises FamulusError if debugfs complains about any of them. It goes on with the next one all the
    same, so `disk` is good for nothing then.
    """
    argv = [_program(), "-w", "-f", "-", partition(disk)]
    said = run(
        argv,
        stdin=_lines(commands),
        check=False,
        timeout=_TIMEOUT,
        cwd=disk.parent,
        env=_NO_PAGER,
    )
    complaints = without_banner(said.stderr)
    if complaints or said.returncode:
        raise FamulusError(
            f"debugfs cannot write into {disk}",
            details=complaints,
            hint="The file system in it is full." if _FULL in complaints else "",
        )


def partition(disk: Path) -> str:
    """Return how e2fsprogs are told the partition of `disk`, relative to the folder of `disk`.

    Raises FamulusError for a name with a question mark, at which they would end it.
    """
    if "?" in disk.name:
        raise FamulusError(
            f"{disk.name!r} has a question mark, which debugfs takes for its own",
            hint="Choose another name.",
        )
    return f"./{disk.name}?offset={OFFSET}"


def without_banner(said: str) -> str:
    """Return what a program of e2fsprogs said on standard error, but for its own version."""
    return "\n".join(line for line in said.splitlines() if not _BANNER.fullmatch(line))


def _lines(commands: Iterable[str]) -> str:
    return "".join(f"{command}\n" for command in commands)


def _answers(printed: bytes, commands: Sequence[str], mark: bytes) -> list[bytes]:
    """Return what follows the echo of each of `commands`, up to `mark`; none if not all is there.

    debugfs repeats comments too, and no name in the file system can be taken for a random one.
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
            "the program 'debugfs' is not installed", hint="The package e2fsprogs has it."
        )
    return found
