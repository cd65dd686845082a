# SPDX-License-Identifier: GPL-2.0-or-later
"""Check whether a normal user can build a template: user namespaces, subordinate ids."""

import os
from pathlib import Path

from famulus.base import user
from famulus.base.errors import FamulusError
from famulus.base.run import find_program, run
from famulus.host.finding import Finding, Level

_NEEDED_IDS = 65536  # as many as a Debian system may use (Debian policy 9.2.2)
_ALLOW = (
    "On Ubuntu, as root: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`. In a container, "
    "allow user namespaces there; or build the template as root."
)
_SWITCHES = Path("/proc/sys")
_ETC = Path("/etc")


def check_rootless(level: Level, etc: Path = _ETC, switches: Path = _SWITCHES) -> Finding:
    """Return whether the present user can build templates; an obstacle is a finding of `level`.

    Root needs neither user namespaces nor subordinate ids.
    """
    if os.geteuid() == 0:
        return Finding("user namespaces", "ok", "not needed by root")
    obstacle = (
        _no_name()
        or _no_newuidmap()
        or _no_ids(etc / "subuid")
        or _no_ids(etc / "subgid")
        or _switched_off(switches)
        or refusal()
    )
    if obstacle is None:
        return Finding("user namespaces", "ok", "templates can be built without root")
    text, cure = obstacle
    return Finding("user namespaces", level, f"no template can be built without root: {text}", cure)


def check_name() -> list[Finding]:
    """Return whether ssh can run for a user id without a name; nothing if this user has a name."""
    number = os.getuid()
    if user.name_of(number):
        return []
    refused = refusal()
    if refused is None:
        return [Finding("user", "ok", f"{user.called(number)} has no name; ssh runs all the same")]
    text = f"ssh needs a name for {user.called(number)}, and {refused[0]}"
    return [Finding("user", "error", text, _name_cure(number))]


def _no_name() -> tuple[str, str] | None:
    number = os.getuid()
    if user.name_of(number):
        return None
    return f"newuidmap needs a name for {user.called(number)}", _name_cure(number)


def _name_cure(number: int) -> str:
    return (
        f"As root: `useradd --uid {number} NAME`. In a container that gives its user any id, let "
        "the start script add a line to /etc/passwd, or set libnss-wrapper up."
    )


def _no_newuidmap() -> tuple[str, str] | None:
    if find_program("newuidmap"):
        return None
    return "newuidmap is not installed", "`apt-get install uidmap` as root."


def _no_ids(file: Path) -> tuple[str, str] | None:
    """Look for the user's line in subuid(5) or subgid(5): name or number, first id, count."""
    name = user.name_of(os.getuid())
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        owner, _, rest = line.partition(":")
        count = rest.partition(":")[2]
        if owner in (name, str(os.getuid())) and count.isdigit() and int(count) >= _NEEDED_IDS:
            return None
    cure = f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}"
    text = f"{file} has no line that gives {name} {_NEEDED_IDS} ids"
    return text, f"As root: `{cure}` (with a range that no other user has)."


def _switched_off(switches: Path) -> tuple[str, str] | None:
    for switch, off, on in (
        ("kernel/unprivileged_userns_clone", "0", "1"),  # Debian's own, gone since its 6.x
        ("user/max_user_namespaces", "0", "10000"),
    ):
        if _value(switches / switch) == off:
            name = switch.replace("/", ".")
            return f"{name} is {off}", f"As root: `sysctl {name}={on}`."
    return None


def refusal() -> tuple[str, str] | None:
    """Return why this user cannot make a user namespace, and the remedy; None if the user can.

    The function makes one: AppArmor, seccomp and containers forbid that in different ways.
    """
    try:
        run(["unshare", "--user", "--map-root-user", "true"], timeout=10)
    except FamulusError as error:
        return f"the system refuses a user namespace ({error.details or error.brief})", _ALLOW
    return None


def _value(switch: Path) -> str:
    try:
        return switch.read_text(encoding="ascii").strip()
    except OSError:
        return ""
