# SPDX-License-Identifier: GPL-2.0-or-later
"""From one format of disk image to another, with everything below an overlay, by qemu-img."""

import json
from pathlib import Path

from famulus.base.run import run
from famulus.export.image.output import check_room, whole

_TIMEOUT = 1800.0  # seconds for 8 GiB to a slow disk
_INFO_TIMEOUT = 60.0


def convert(source: Path, source_format: str, target: Path, target_format: str) -> None:
    """Make the image `target`, sparse and with no backing file, of all that `source` shows.

    Whatever was at `target` is replaced. If this fails or is interrupted, nothing has changed.
    Raises FamulusError if there is no room for it.
    """
    check_room(target.parent, needed_room(source, source_format))
    with whole(target.absolute()) as part:
        run(convert_arguments(source, source_format, part, target_format), timeout=_TIMEOUT)


def convert_arguments(
    source: Path, source_format: str, target: Path, target_format: str
) -> list[str]:
    """Return the arguments that make `target` of `source`. Pure.

    The paths are made absolute: qemu-img takes what stands before a colon for a protocol.
    """
    return [
        "qemu-img", "convert", "-q",
        "-f", source_format,
        "-O", target_format,
        str(source.absolute()),
        str(target.absolute()),
    ]  # fmt: skip


def needed_room(image: Path, image_format: str) -> int:
    """Return the bytes that a copy of `image` may take: what it and all below it take on disk."""
    argv = [
        "qemu-img", "info", "--backing-chain", "--force-share",
        "--output=json",
        "-f", image_format,
        str(image.absolute()),
    ]  # fmt: skip
    chain = json.loads(run(argv, timeout=_INFO_TIMEOUT).stdout)
    return sum(int(link["actual-size"]) for link in chain)
