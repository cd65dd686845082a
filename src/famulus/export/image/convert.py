# SPDX-License-Identifier: GPL-2.0-or-later
"""Copy disk images, from one format to another with all their backing files, or as they are."""

import json
from pathlib import Path

from famulus.base.run import run
from famulus.export.image.output import check_room, whole

_TIMEOUT = 1800.0  # seconds to copy 8 GiB to a slow disk
_INFO_TIMEOUT = 60.0


def convert(source: Path, source_format: str, target: Path, target_format: str) -> None:
    """Make the image `target`, sparse and without a backing file, with the contents of `source`.

    A file at `target` is replaced. After a failure or an interrupt nothing has changed. Raises
    FamulusError if there is no room for the image.
    """
    check_room(target.parent, needed_room(source, source_format))
    with whole(target.absolute()) as part:
        run(convert_arguments(source, source_format, part, target_format), timeout=_TIMEOUT)


def convert_arguments(
    source: Path, source_format: str, target: Path, target_format: str
) -> list[str]:
    """Return the arguments that make `target` of `source`. Pure.

    The paths are made absolute: in a relative one qemu-img takes a word before a colon for a
    protocol.
    """
    return [
        "qemu-img", "convert", "-q",
        "-f", source_format,
        "-O", target_format,
        str(source.absolute()),
        str(target.absolute()),
    ]  # fmt: skip


def copy_raw(source: Path, target: Path) -> None:
    """Copy the raw image `source`; holes stay holes in `target`."""
    argv = ["cp", "--reflink=auto", "--sparse=always", "--", str(source), str(target)]
    run(argv, timeout=_TIMEOUT)


def needed_room(image: Path, image_format: str) -> int:
    """Return the bytes that a copy of `image` may take: its own and its backing files'."""
    argv = [
        "qemu-img", "info", "--backing-chain", "--force-share",
        "--output=json",
        "-f", image_format,
        str(image.absolute()),
    ]  # fmt: skip
    chain = json.loads(run(argv, timeout=_INFO_TIMEOUT).stdout)
    return sum(int(link["actual-size"]) for link in chain)
