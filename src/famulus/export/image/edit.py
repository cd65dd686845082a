# SPDX-License-Identifier: GPL-2.0-or-later
"""Write files into the root file system of a raw image."""

import re
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from famulus.base.errors import FamulusError
from famulus.export.image import debugfs
from famulus.transport.agent import GuestFile

_KIND = re.compile(rb"Type: (\w+)")
_SIZE = re.compile(rb"^User: .*Size: (\d+)$", re.MULTILINE)
_FOLDER = "directory"


def write_files(disk: Path, files: Sequence[GuestFile]) -> None:
    """Write `files` into the file system of the raw image `disk`, and replace existing files.

    A folder in a path may be a symbolic link, as /lib is; a link in the place of the file itself is
    replaced, never followed. Missing folders are made with mode 0755 and owner root. If files have
    the same path, the last one counts. Raises FamulusError; after an error `disk` is useless,
    except for a bad path, which is refused before the first write.
    """
    wanted = list({file.path: file for file in files}.values())
    for file in wanted:
        _check(file.path)
    present = _look(disk, wanted)
    with tempfile.TemporaryDirectory(prefix="famulus-files-", dir=disk.parent) as folder:
        sources = [Path(folder, str(number)) for number in range(len(wanted))]
        for source, file in zip(sources, wanted, strict=True):
            source.write_text(file.content, encoding="utf-8")
        names = [str(source.relative_to(disk.parent)) for source in sources]
        debugfs.write(disk, edit_commands(wanted, names, present, int(time.time())))


def blank(disk: Path, paths: Sequence[str]) -> set[str]:
    """Return those of `paths` at which `disk` has no file, or a file of at most one byte."""
    sizes = zip(paths, _stat(disk, paths), strict=True)
    return {path for path, text in sizes if _size(text) <= 1}


@dataclass(frozen=True)
class Present:
    """Which of the wanted `folders` an image has, and the kinds of its existing paths."""

    folders: frozenset[str]
    kinds: Mapping[str, str]


def edit_commands(
    files: Sequence[GuestFile], sources: Sequence[str], present: Present, now: int
) -> list[str]:
    """Return the commands of debugfs that write `files` from the files `sources`. Pure.

    `now` is the files' time, in seconds since 1970.
    """
    commands: list[str] = []
    for folder in sorted(_folders(files) - present.folders):
        commands += _make_folder(PurePosixPath(folder))
    for file, source in zip(files, sources, strict=True):
        commands += _write(file, source, now, replaces=file.path in present.kinds)
    return commands


def _check(path: str) -> None:
    debugfs.quote(path)
    parts = path.split("/")
    if parts[0] or not parts[-1] or {"", ".", ".."} & set(parts[1:]):
        raise FamulusError(
            f"{path!r} is no path for a file in an image",
            hint="Write the path from the root on, without '.' and '..'.",
        )


def _look(disk: Path, files: Sequence[GuestFile]) -> Present:
    folders, paths = sorted(_folders(files)), [file.path for file in files]
    # debugfs follows a link to a folder only if the path ends with a dot.
    inside = _stat(disk, [f"{folder}/." for folder in folders])
    here = _stat(disk, paths)
    found = {path: kind for path, text in zip(paths, here, strict=True) if (kind := _kind(text))}
    for path, kind in found.items():
        if kind == _FOLDER:
            raise FamulusError(f"{path} is a folder in {disk}, and no file can replace a folder")
    there = (f for f, text in zip(folders, inside, strict=True) if _kind(text) == _FOLDER)
    return Present(frozenset(there), found)


def _folders(files: Iterable[GuestFile]) -> set[str]:
    """Return all folders above `files`, except the root."""
    return {str(folder) for file in files for folder in list(PurePosixPath(file.path).parents)[:-1]}


def _stat(disk: Path, paths: Sequence[str]) -> list[bytes]:
    return debugfs.read(disk, [f"stat {debugfs.quote(path)}" for path in paths])


def _kind(text: bytes) -> str:
    found = _KIND.search(text)
    return found[1].decode("ascii") if found else ""


def _size(text: bytes) -> int:
    found = _SIZE.search(text)
    return int(found[1]) if found else 0


def _make_folder(folder: PurePosixPath) -> Iterator[str]:
    yield _enter(folder.parent)
    yield f"mkdir {debugfs.quote(folder.name)}"
    yield from _fields(folder.name, mode="040755", uid=0, gid=0)


def _write(file: GuestFile, source: str, now: int, *, replaces: bool) -> Iterator[str]:
    """Yield the commands that write `file`: `write` takes a name in the current folder, no path."""
    path = PurePosixPath(file.path)
    yield _enter(path.parent)
    if replaces:
        yield f"rm {_own(path.name)}"
    yield f"write {source} {debugfs.quote(path.name)}"
    mode = f"{stat.S_IFREG | file.mode:07o}"
    yield from _fields(path.name, mode=mode, uid=file.uid, gid=file.gid, mtime=f"@{now}")


def _enter(folder: PurePosixPath) -> str:
    path = str(folder).rstrip("/")  # debugfs finds no "//."
    return f"cd {debugfs.quote(f'{path}/.')}"


def _fields(name: str, **values: object) -> Iterator[str]:
    for field, value in values.items():
        yield f"set_inode_field {_own(name)} {field} {value}"


def _own(name: str) -> str:
    """Return `name` as a path, which debugfs takes neither for an option nor, as <12>, an inode."""
    return debugfs.quote(f"./{name}")
