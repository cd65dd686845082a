# SPDX-License-Identifier: GPL-2.0-or-later
"""debugfs(8): read and change the ext4 partition of a raw image in the place where it lies.

e2fsprogs is there wherever a template is made, and is the one reader that ext4's makers keep.
"""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from famulus.errors import FamulusError
from famulus.run import find_program, run
from famulus.units import MIB

OFFSET = MIB  # bytes before the partition, see template.disk

_LIMIT = 300.0
_NO_PAGER = {"DEBUGFS_PAGER": "__none__"}
_LAST = "pwd"  # always answers something: whoever finds that has all that came before
_BANNER = re.compile(r"(?:debugfs|e2fsck) \d+\.\d+\S* \(.*\)")
_FULL = "Could not allocate"
_FIXED = 2  # e2fsck(8): what is greater than this was not repaired


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
    with tempfile.TemporaryDirectory(prefix="famulus-debugfs-") as folder:
        printed = Path(folder) / "printed"
        argv = [_program(), "-f", "-", partition(disk)]
        said = run(
            ["sh", "-c", 'exec "$@" > "$0"', printed, *argv],
            stdin=_lines([*commands, _LAST]),
            check=False,
            timeout=_LIMIT,
            cwd=disk.parent,
            env=_NO_PAGER,
        )
        answers = _answers(printed.read_bytes(), [*commands, _LAST])
    if answers is None:
        raise FamulusError(
            f"debugfs cannot read all of {disk}",
            details=_without_banner(said.stderr),
            hint=f"Is {tempfile.gettempdir()} full?",
        )
    return answers


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
        timeout=_LIMIT,
        cwd=disk.parent,
        env=_NO_PAGER,
    )
    complaints = _without_banner(said.stderr)
    if complaints or said.returncode:
        raise FamulusError(
            f"debugfs cannot write into {disk}",
            details=complaints,
            hint="The file system in it is full." if _FULL in complaints else "",
        )


def repair(disk: Path) -> None:
    """Replay the journal of the file system of `disk`, as a kernel does when it mounts it.

    Nothing changes if it was unmounted. Raises FamulusError if more is broken than can be repaired
    without a question.
    """
    said = run(["e2fsck", "-p", partition(disk)], check=False, timeout=_LIMIT, cwd=disk.parent)
    if said.returncode > _FIXED:
        raise FamulusError(
            f"the file system in {disk} is damaged",
            details=said.stdout + _without_banner(said.stderr),
            hint="Start the node once: it checks its disk when it boots.",
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


def _lines(commands: Sequence[str]) -> str:
    return "".join(f"{command}\n" for command in commands)


def _answers(printed: bytes, commands: Sequence[str]) -> list[bytes] | None:
    """Return what stands between the echoes of `commands`, but for the last; None if not whole."""
    begins, ends, at = [], [], 0
    for command in commands:
        echo = f"debugfs: {command}\n".encode()
        found = printed.find(echo, at)
        if found < 0:
            return None
        at = found + len(echo)
        ends.append(found)
        begins.append(at)
    whole = printed[at:].startswith(b"[pwd]")
    return (
        [printed[begin:end] for begin, end in zip(begins[:-1], ends[1:], strict=True)]
        if whole
        else None
    )


def _without_banner(said: str) -> str:
    return "\n".join(line for line in said.splitlines() if not _BANNER.fullmatch(line))


def _program() -> str:
    found = find_program("debugfs")
    if found is None:
        raise FamulusError(
            "the program 'debugfs' is not installed", hint="The package e2fsprogs has it."
        )
    return found
