# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's bridge helper, with which machines of a normal user join a bridge.

The helper reads bridge.conf: `allow BRIDGE`, `deny BRIDGE`, `include FILE`; BRIDGE may be `all`.
The helper refuses a bridge that no line allows or that any line denies (QEMU,
qemu-bridge-helper.c).
"""

import stat
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.privileged import RootStep
from famulus.base.run import find_program

HELPER = Path("/usr/lib/qemu/qemu-bridge-helper")  # Debian's place, package qemu-system-common
_LIST = Path("/etc/qemu/bridge.conf")

_WHY_SET_UID = (
    "a normal user's machines cannot join a bridge otherwise. An attacker who finds a hole in that "
    "small program becomes root; the alternative is to run all of QEMU as root"
)


def set_uid_step(helper: Path = HELPER) -> RootStep | None:
    """Return the step that makes `helper` set-uid root, or None if `helper` is set-uid root.

    Raises FamulusError if `helper` is not installed.
    """
    try:
        status = helper.stat()
    except OSError as error:
        raise FamulusError(
            f"{helper} is missing", hint="`apt-get install qemu-system-common` as root."
        ) from error
    if status.st_uid == 0 and status.st_mode & stat.S_ISUID:
        return None
    return RootStep(f"make {helper} set-uid root", _WHY_SET_UID, _set_uid(helper))


def allow_step(bridge: str, rules: Path = _LIST) -> RootStep | None:
    """Return the step that allows machines to join `bridge`, or None if they may."""
    if may_join(bridge, rules):
        return None
    return RootStep(
        f"allow {bridge} in {rules}",
        "QEMU's bridge helper joins only the bridges that are listed there",
        ["sh", "-c", f"mkdir -p {rules.parent} && echo allow {bridge} >>{rules}"],
    )


def may_join(bridge: str, rules: Path = _LIST) -> bool:
    """Tell whether `rules` let machines join `bridge`; False if the file cannot be read."""
    verdicts = _verdicts(bridge, rules, depth=0)
    return "allow" in verdicts and "deny" not in verdicts


def _verdicts(bridge: str, rules: Path, depth: int) -> set[str]:
    try:
        lines = rules.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    found: set[str] = set()
    for verb, name in (line.split() for line in lines if len(line.split()) == 2):  # noqa: PLR2004
        if verb in ("allow", "deny") and name in (bridge, "all"):
            found.add(verb)
        elif verb == "include" and depth < 8:  # noqa: PLR2004 - a file may include itself
            found |= _verdicts(bridge, Path(name), depth + 1)
    return found


def _set_uid(helper: Path) -> list[str]:
    """Return the command. With dpkg, the mode survives an upgrade of the package."""
    if find_program("dpkg-statoverride"):
        override = ["--force-statoverride-add", "--update", "--add", "root", "root", "4755"]
        return ["dpkg-statoverride", *override, str(helper)]
    return ["sh", "-c", 'chown root:root "$1" && chmod 4755 "$1"', "sh", str(helper)]
