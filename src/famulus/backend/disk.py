# SPDX-License-Identifier: GPL-2.0-or-later
"""Overlays: qcow2 images that hold only the blocks that differ from their backing file."""

import json
from pathlib import Path

from famulus.base.run import run

_TIMEOUT = 60.0


def overlay_arguments(backing: Path, kind: str, overlay: Path, size: int) -> list[str]:
    """Return the arguments that make `overlay` of `size` bytes on `backing`, a `kind` image. Pure.

    The file `backing` need not exist yet.
    """
    return [
        "qemu-img", "create", "-q", "-u",
        "-f", "qcow2",
        "-F", kind,
        "-b", str(backing),
        str(overlay),
        str(size),
    ]  # fmt: skip


def make_overlay(backing: Path, kind: str, overlay: Path, size: int) -> None:
    """Make `overlay` on `backing`, whole or not at all."""
    part = overlay.with_suffix(".part")
    run(overlay_arguments(backing, kind, part, size), timeout=_TIMEOUT)
    part.chmod(0o600)
    part.rename(overlay)


def backing_chain(disk: Path) -> list[tuple[Path, str]]:
    """Return the images below `disk`, nearest first, each with its format."""
    argv = ["qemu-img", "info", "--output=json", "--backing-chain", "-U", str(disk)]
    images = json.loads(run(argv, timeout=_TIMEOUT).stdout)
    return [(Path(image["filename"]), image["format"]) for image in images[1:]]


def in_use(disk: Path) -> bool:
    """Tell whether some machine has the image `disk` open: QEMU locks an image that it writes."""
    result = run(["qemu-img", "info", str(disk)], timeout=_TIMEOUT, check=False)
    return result.returncode != 0 and "lock" in result.stderr
