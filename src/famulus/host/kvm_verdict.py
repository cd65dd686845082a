# SPDX-License-Identifier: GPL-2.0-or-later
"""The verdict of a trial of KVM on this host, remembered until the host boots again.

A device that opens is not enough: KVM can make a machine that never gets further than the first
instruction of a kernel. Only a trial tells, which takes a second, and much longer where KVM fails.
"""

import contextlib
import json
import os
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.files import write_private
from famulus.host.programs import program_version

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def remembered(qemu: str) -> str | None:
    """Return why KVM boots nothing with the program `qemu`: "" if KVM boots, None if not tried."""
    try:
        verdict = json.loads(_file().read_text(encoding="utf-8"))
        return str(verdict["obstacle"]) if verdict["host"] == _host(qemu) else None
    except (OSError, ValueError, KeyError, TypeError, FamulusError):
        return None


def remember(qemu: str, obstacle: str) -> None:
    """Store the verdict. If the file cannot be written, the next start tries KVM again."""
    with contextlib.suppress(FamulusError):
        text = json.dumps({"host": _host(qemu), "obstacle": obstacle}, indent=1)
        write_private(_file(), text + "\n")


def _host(qemu: str) -> list[str]:
    return [_BOOT_ID.read_text(encoding="ascii").strip(), os.uname().release, program_version(qemu)]


def _file() -> Path:
    return paths.home() / "kvm.json"
