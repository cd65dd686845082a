# SPDX-License-Identifier: GPL-2.0-or-later
"""The connection to libvirt: to the system's, or to the URI in LIBVIRT_DEFAULT_URI."""

import atexit
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from famulus.base.errors import FamulusError

DEFAULT_URI = "qemu:///system"


def uri() -> str:
    """Return the URI of the libvirt that Famulus uses."""
    return os.environ.get("LIBVIRT_DEFAULT_URI") or DEFAULT_URI


@contextmanager
def connected() -> Iterator[Any]:
    """Yield the connection to libvirt (virConnect).

    Raises FamulusError with the cure if libvirt-python is missing or libvirtd does not answer, and
    with libvirt's own words if libvirt refuses a call in the block.
    """
    lib = library()
    connection = _connection(uri())
    try:
        yield connection
    except lib.libvirtError as error:
        raise FamulusError(f"libvirt: {error.get_error_message()}") from error


def is_closed() -> bool:
    """Tell whether libvirt runs and does not let this user in."""
    lib = library()
    refusals = (
        lib.VIR_ERR_AUTH_FAILED,
        lib.VIR_ERR_AUTH_CANCELLED,
        lib.VIR_ERR_AUTH_UNAVAILABLE,
    )
    try:
        lib.open(uri()).close()
    except lib.libvirtError as error:
        denied = os.strerror(errno.EACCES) in error.get_error_message()
        return denied or error.get_error_code() in refusals
    return False


def find(kind: str, name: str) -> Any | None:  # noqa: ANN401 - libvirt-python has no types
    """Return libvirt's `domain` or `network` called `name`, or None if there is none."""
    lib = library()
    look_up, missing = {
        "domain": ("lookupByName", lib.VIR_ERR_NO_DOMAIN),
        "network": ("networkLookupByName", lib.VIR_ERR_NO_NETWORK),
    }[kind]
    with connected() as connection:
        try:
            return getattr(connection, look_up)(name)
        except lib.libvirtError as error:
            if error.get_error_code() != missing:
                raise
    return None


@cache
def library() -> Any:  # noqa: ANN401
    """Return libvirt-python. Raises FamulusError with the cure if it is not installed."""
    try:
        import libvirt  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise FamulusError(
            "the Python package libvirt-python is not installed",
            hint="`scripts/setup --libvirt` installs it, and so does `pip install "
            "'famulus[libvirt]'` where libvirt-dev, pkg-config, python3-dev and gcc are.",
        ) from error
    atexit.register(_connection.cache_clear)  # before the interpreter unloads it
    libvirt.registerErrorHandler(lambda *_: None, None)  # raise errors, do not print them too
    return libvirt


@cache
def _connection(name: str) -> Any:  # noqa: ANN401
    lib = library()
    try:
        return lib.open(name)
    except lib.libvirtError as error:
        raise FamulusError(
            f"libvirt does not answer at {name}: {error.get_error_message()}",
            hint="libvirt must be installed (`scripts/setup --libvirt`) and run (`systemctl start "
            "libvirtd`); a user other than root must be in the group libvirt.",
        ) from error
