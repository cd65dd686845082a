# SPDX-License-Identifier: GPL-2.0-or-later
"""Small disks that are laid out as a template's: the one partition begins at 1 MiB, and is ext4.

No step needs root: debugfs writes the parts that only root could make on the host.
"""

import subprocess
from pathlib import Path

from famulus.base.units import KIB, MIB
from famulus.export.image.debugfs import OFFSET, partition

SIZE = 24 * MIB


def make_disk(tree: Path, disk: Path, *options: str, size: int = SIZE) -> Path:
    """Make `disk` with the content of the folder `tree`; `options` are mke2fs'."""
    with disk.open("wb") as file:
        file.truncate(size)
    subprocess.run(
        [
            "/sbin/mke2fs", "-q", "-F",
            "-t", "ext4",
            *options,
            "-E", f"offset={OFFSET}",
            "-d", tree,
            disk, f"{(size - OFFSET) // KIB}k",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return disk


def debugfs(disk: Path, *commands: str) -> bytes:
    """Carry out `commands` one by one, and return their output."""
    printed = b""
    for command in commands:
        argv = ["/sbin/debugfs", "-w", "-R", command, partition(disk)]
        printed += subprocess.run(argv, cwd=disk.parent, check=True, capture_output=True).stdout
    return printed


def cat(disk: Path, path: str) -> bytes:
    """Return the content of the file `path`."""
    return debugfs(disk, f'cat "{path}"')


def problems(disk: Path) -> str:
    """Return e2fsck's complaints, an empty text for a sound disk."""
    argv = ["/sbin/e2fsck", "-f", "-n", partition(disk)]
    done = subprocess.run(argv, cwd=disk.parent, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else ""


def interrupt_write(disk: Path, block: int, content: Path) -> None:
    """Leave `disk` as a machine whose plug was pulled: `content` of `block` only in the journal."""
    commands = f"jo\njw -b {block} {content.absolute()}\njc\n"
    argv = ["/sbin/debugfs", "-w", "-f", "-", partition(disk)]
    subprocess.run(argv, cwd=disk.parent, input=commands.encode(), check=True, capture_output=True)
