# SPDX-License-Identifier: GPL-2.0-or-later
"""The images below a node's disk, as the node's folder names them: a template, maybe a snapshot.

An image is named with the identity of its build: another build under the same name has another
content.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from famulus.base.errors import FamulusError
from famulus.base.files import write_private

Kind = Literal["template", "snapshot"]

_ABSENT = (FileNotFoundError, NotADirectoryError)


@dataclass(frozen=True)
class Base:
    """A template or a snapshot below a disk: its name, and the identity of its build.

    The identity is empty if an earlier release made the disk.
    """

    name: str
    identity: str = ""


def note_below(folder: Path, template: Base, snapshot: Base | None = None) -> None:
    """Store the images below the disk of the node in `folder`.

    The template comes last: a disk without a stored template does not count.
    """
    write_private(folder / "snapshot", _line(snapshot) if snapshot else "\n")
    write_private(folder / "template", _line(template))


def _line(base: Base) -> str:
    return f"{base.name} {base.identity}".strip() + "\n"


def below(folder: Path, kind: Kind) -> Base | None:
    """Return the image of this kind below the disk of the node in `folder`, if there is one.

    Raises FamulusError if the host cannot read the note: the node may have a disk.
    """
    path = folder / kind
    try:
        words = path.read_text(encoding="utf-8").split()
    except _ABSENT:
        return None
    except (OSError, ValueError) as error:
        raise FamulusError(f"cannot read {path}: {error}", hint="Nothing was changed.") from error
    if not words and kind == "template":
        raise FamulusError(
            f"{path} is empty: the template below the disk is unknown",
            hint="`famulus node reset` makes the node new, and forgets its disk.",
        )
    return Base(words[0], "".join(words[1:2])) if words else None
