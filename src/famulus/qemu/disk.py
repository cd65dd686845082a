# SPDX-License-Identifier: GPL-2.0-or-later
"""A node's disk: a qcow2 overlay that holds what differs from the template."""

from pathlib import Path

from famulus.run import run

_LIMIT = 60.0


def overlay_arguments(backing: Path, overlay: Path) -> list[str]:
    """Return the arguments that make `overlay` on the raw image `backing`. Pure."""
    return [
        "qemu-img", "create", "-q",
        "-f", "qcow2",
        "-F", "raw",
        "-b", str(backing),
        str(overlay),
    ]  # fmt: skip


def make_overlay(backing: Path, overlay: Path) -> None:
    """Make `overlay` on `backing`, whole or not at all."""
    part = overlay.with_suffix(".part")
    run(overlay_arguments(backing, part), timeout=_LIMIT)
    part.chmod(0o600)
    part.rename(overlay)
