# SPDX-License-Identifier: GPL-2.0-or-later
"""Overlays: qcow2 images that hold only the blocks that differ from their backing file.

An overlay names its backing file. Inside FAMULUS_HOME the name is relative, so that an overlay
still works after its home was moved or copied. The header's format is QEMU's (docs/interop/qcow2).
"""

import contextlib
import json
import os
import struct
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.run import run

_TIMEOUT = 60.0
_HEADER = struct.Struct(">4sIQII")  # magic, version, offset and size of the name, cluster bits
_MAGIC = b"QFI\xfb"
_FIRST_CLUSTER = 65536  # bytes, as qemu-img makes them
_LONGEST = 1023  # bytes of the name


def overlay_arguments(backing: str, kind: str, overlay: Path, size: int) -> list[str]:
    """Return the arguments that make `overlay` of `size` bytes on `backing`, a `kind` image. Pure.

    `backing` is the name that the overlay stores. The file need not exist yet.
    """
    return [
        "qemu-img", "create", "-q", "-u",
        "-f", "qcow2",
        "-F", kind,
        "-b", backing,
        str(overlay),
        str(size),
    ]  # fmt: skip


def make_overlay(backing: Path, kind: str, overlay: Path, size: int) -> None:
    """Make `overlay` on `backing`, whole or not at all."""
    part = overlay.with_suffix(".part")
    run(overlay_arguments(stored_name(overlay, backing), kind, part, size), timeout=_TIMEOUT)
    part.chmod(0o600)
    part.rename(overlay)


def copy_overlay(source: Path, backing: Path, overlay: Path) -> None:
    """Make `overlay` a copy of the overlay `source` that lies on `backing`. Raises OSError."""
    image = with_backing_name(source.read_bytes(), stored_name(overlay, backing))
    overlay.write_bytes(image)
    overlay.chmod(0o600)


def stored_name(overlay: Path, backing: Path) -> str:
    """Return the name by which `overlay` names the file `backing`; neither need exist.

    The name is relative to the overlay's folder if both lie in FAMULUS_HOME, else absolute.
    """
    home, folder, file = (path.resolve() for path in (paths.home(), overlay.parent, backing))
    inside = folder.is_relative_to(home) and file.is_relative_to(home)
    return os.path.relpath(file, folder) if inside else str(file)


def lies_on(overlay: Path, backing: Path) -> bool:
    """Tell whether the name that `overlay` stores leads to the file `backing`.

    Raises FamulusError if `overlay` cannot be read.
    """
    with contextlib.suppress(OSError):
        return _named_file(overlay).samefile(backing)
    return False


def leads_to_a_file(overlay: Path) -> bool:
    """Tell whether the name that `overlay` stores leads to a file.

    Raises FamulusError if `overlay` cannot be read.
    """
    return _named_file(overlay).is_file()


def _named_file(overlay: Path) -> Path:
    try:
        with overlay.open("rb") as file:
            return overlay.parent / backing_name(file.read(_FIRST_CLUSTER))
    except (OSError, ValueError) as error:
        raise FamulusError(f"cannot read the disk {overlay}: {error}") from error


def rebase(overlay: Path, backing: Path, kind: str) -> None:
    """Have `overlay` store the present name of `backing`, a `kind` image with the same contents.

    Raises FamulusError with QEMU's words if a machine has the overlay open.
    """
    run(
        [
            "qemu-img", "rebase", "-u",
            "-f", "qcow2",
            "-F", kind,
            "-b", stored_name(overlay, backing),
            str(overlay),
        ],
        timeout=_TIMEOUT,
    )  # fmt: skip


def backing_name(image: bytes) -> str:
    """Return the name of the backing file in the qcow2 image that begins with `image`. Pure.

    Returns an empty name if there is none. Raises ValueError if this is no such image.
    """
    _, _, offset, size, _ = _header(image)
    return os.fsdecode(image[offset : offset + size])


def with_backing_name(image: bytes, name: str) -> bytes:
    """Return the whole qcow2 image `image`, which has a backing file, with another `name`. Pure.

    The name is the last part of the header, which fills the first cluster. Raises ValueError if
    there is no room.
    """
    magic, version, offset, size, cluster_bits = _header(image)
    new = os.fsencode(name)
    if not offset or len(new) > min(_LONGEST, (1 << cluster_bits) - offset):
        raise ValueError(f"the qcow2 header has no room for the name {name}")
    header = _HEADER.pack(magic, version, offset, len(new), cluster_bits)
    end = offset + max(size, len(new))
    middle = image[_HEADER.size : offset]
    return header + middle + new.ljust(end - offset, b"\0") + image[end:]


def _header(image: bytes) -> tuple[bytes, int, int, int, int]:
    if image[:4] != _MAGIC or len(image) < _HEADER.size:
        raise ValueError("this is not a qcow2 image")
    return _HEADER.unpack(image[: _HEADER.size])


def backing_chain(disk: Path) -> list[tuple[Path, str]]:
    """Return the images below `disk`, nearest first, each with its format."""
    argv = ["qemu-img", "info", "--output=json", "--backing-chain", "-U", str(disk)]
    images = json.loads(run(argv, timeout=_TIMEOUT).stdout)
    return [(Path(image["filename"]).resolve(), image["format"]) for image in images[1:]]


def in_use(disk: Path) -> bool:
    """Tell whether some machine has the image `disk` open: QEMU locks an image that it writes."""
    result = run(["qemu-img", "info", str(disk)], timeout=_TIMEOUT, check=False)
    return result.returncode != 0 and "lock" in result.stderr
