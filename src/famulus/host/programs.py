# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that Famulus runs: check that they are installed and new enough."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.run import find_program
from famulus.host.finding import Finding
from famulus.host.versions import version_text

_OS_RELEASE = Path("/etc/os-release")


@dataclass(frozen=True)
class Program:
    """A program or, where `name` is a path, a file; and the Debian package that contains it.

    `minimum` is the least version, `version_option` makes the program print its version. If
    `backports` is set, Debian 12 has this version only in its backports.
    """

    name: str
    package: str
    purpose: str
    minimum: str = ""
    version_option: str = "--version"
    backports: bool = False


QEMU = "qemu-system-x86_64"
PROGRAMS = (
    Program(QEMU, "qemu-system-x86", "runs the nodes", "10.0", backports=True),
    Program("qemu-img", "qemu-utils", "makes the nodes' disks", backports=True),
    Program("vde_switch", "vde-switch", "is the network between the nodes"),
    Program("ssh", "openssh-client", "logs in to nodes"),
    Program("ssh-keygen", "openssh-client", "makes the fabric's keys"),
    Program("scp", "openssh-client", "copies files to and from nodes"),
    Program("mmdebstrap", "mmdebstrap", "builds the template", "1.5", backports=True),
    Program("mke2fs", "e2fsprogs", "makes the template's file system", "1.47.2", "-V", True),
    Program("sfdisk", "fdisk", "partitions the template's disk"),
    Program("grub-mkimage", "grub-common", "makes the template's boot loader"),
    Program("/usr/lib/grub/i386-pc/boot.img", "grub-pc-bin", "is the template's boot loader"),
    Program(
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debian-archive-keyring",
        "holds the keys that Debian's packages are checked with",
    ),
)

# The programs that nodes with the plugin need besides.
CACHE_PROGRAMS = (Program("gcc", "gcc libc6-dev", "compiles the plugin that is their caches"),)


def check_programs(programs: tuple[Program, ...] = PROGRAMS) -> list[Finding]:
    """Return a finding for each program, in their order."""
    distribution = distribution_id()
    # In parallel: some programs print their version after a tenth of a second, and `up` waits.
    with ThreadPoolExecutor() as executor:
        return list(executor.map(lambda program: _check(program, distribution), programs))


def distribution_id(os_release: Path = _OS_RELEASE) -> str:
    """Return the distribution's ID and version such as `debian-12`, from os-release(5)."""
    try:
        text = os_release.read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    found = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', text, re.MULTILINE))
    return "-".join(found[key] for key in ("ID", "VERSION_ID") if key in found) or "unknown"


def parse_version(text: str) -> str:
    """Return the first dotted number in `text`, the output of a program, or ''."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return found[0] if found else ""


def at_least(version: str, minimum: str) -> bool:
    """Tell whether the dotted number `version` is `minimum` or newer; '' is older than any."""
    return bool(version) and _numbers(version) >= _numbers(minimum)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _check(program: Program, distribution: str) -> Finding:
    path = _find(program.name)
    cure = _cure(program, distribution)
    if path is None:
        return Finding(program.name, "error", f"is not installed; it {program.purpose}", cure=cure)
    if not program.minimum:
        return Finding(program.name, "ok", path)
    version = _version(path, program.version_option)
    if at_least(version, program.minimum):
        return Finding(program.name, "ok", f"{path}, version {version}")
    shown = f"version {version}" if version else "of unknown version"
    return Finding(
        program.name, "error", f"{path} is {shown}; needed is {program.minimum} or newer", cure=cure
    )


def _find(name: str) -> str | None:
    if name.startswith("/"):
        return name if Path(name).exists() else None
    return find_program(name)


def program_version(name: str) -> str:
    """Return the first line that `name --version` prints, Debian's revision included.

    Raises FamulusError if the program is not installed.
    """
    path = _find(name)
    if path is None:
        raise FamulusError(f"{name} is not installed", hint="`famulus doctor` tells more.")
    return version_text(path).partition("\n")[0]


def _version(path: str, option: str) -> str:
    try:
        return parse_version(version_text(path, option))
    except FamulusError:  # the program cannot be started
        return ""


def _cure(program: Program, distribution: str) -> str:
    package = program.package
    if distribution == "debian-12" and program.backports:
        return (
            f"`apt-get install -t bookworm-backports {package}` as root, with bookworm-backports "
            "among apt's sources; `make setup` does both."
        )
    if distribution.startswith("debian"):
        return f"`apt-get install {package}` as root; `make setup` installs all that is missing."
    return f"Install the package that is usually called {package}."
