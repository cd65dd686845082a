# SPDX-License-Identifier: GPL-2.0-or-later
"""The images below a node's disk, as the node's folder names them: a template, maybe a snapshot."""

from pathlib import Path

from famulus.base.files import write_private


def note_below(folder: Path, template: str, snapshot: str) -> None:
    """Store the digests of the images below the disk of the node in `folder`.

    The template comes last: a disk without a stored template does not count.
    """
    write_private(folder / "snapshot", snapshot + "\n")
    write_private(folder / "template", template + "\n")


def template_below(folder: Path) -> str | None:
    """Return the digest of the template below the disk of the node in `folder`.

    Returns None if the node has no disk.
    """
    try:
        return (folder / "template").read_text(encoding="ascii").strip()
    except OSError:
        return None


def snapshot_below(folder: Path) -> str | None:
    """Return the digest of the snapshot below the disk of the node in `folder`, if there is one."""
    try:
        return (folder / "snapshot").read_text(encoding="ascii").strip() or None
    except OSError:
        return None
