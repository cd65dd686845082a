# SPDX-License-Identifier: GPL-2.0-or-later
"""Check whether this host's libvirt can run nodes."""

from pathlib import Path

from famulus.backend.libvirt import virt
from famulus.base.errors import FamulusError
from famulus.base.paths import SHARED_MEMORY
from famulus.host.finding import Finding
from famulus.host.programs import Program

# The programs that nodes of libvirt need besides those of host.programs.
PROGRAMS = (
    Program("virsh", "libvirt-clients", "shows the nodes' consoles"),
    Program("dnsmasq", "dnsmasq-base", "gives nodes on libvirt's network addresses and names"),
)


def check_libvirt(pool: Path) -> list[Finding]:
    """Return whether libvirt answers, and whether libvirt can hand the pool at `pool` to nodes."""
    return [_check_connection(), *_check_pool(pool)]


def _check_connection() -> Finding:
    try:
        with virt.connected() as connection:
            version = connection.getLibVersion()
    except FamulusError as error:
        return Finding("libvirt", "error", error.brief, error.hint)
    major, minor = divmod(version, 1_000_000)
    return Finding("libvirt", "ok", f"{virt.uri()}, version {major}.{minor // 1000}")


def _check_pool(pool: Path) -> list[Finding]:
    if pool.parent == SHARED_MEMORY:
        return []
    return [
        Finding(
            "pool",
            "error",
            f"libvirt takes a pool in {SHARED_MEMORY} only, not {pool}",
            "Leave --pool-file out, or use --network user.",
        )
    ]
