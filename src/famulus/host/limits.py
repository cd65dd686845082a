# SPDX-License-Identifier: GPL-2.0-or-later
"""Check the limits of this process (getrlimit(2), cgroups) against the needs of nodes."""

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from famulus.base.units import MIB
from famulus.host.cgroup import process_room
from famulus.host.finding import Finding
from famulus.settings.spec import FabricSpec

# Measured with QEMU 10.0 under TCG, a node of 512 MiB and a pool of 64 MiB.
_LEAST_SPACE = 448 * MIB  # of addresses beside memory and pool: with 400 MiB no thread starts
_LEAST_DATA = 192 * MIB  # of private pages beside memory
_NODE_THREADS = 8  # an idle node has 4 to 7, and up to 64 more while its disk is busy
_OTHER_THREADS = 24  # switch, gateway, famulus and ssh
_NODE_FILES = 128  # an idle node has 95 open files
_PEER_FILES = 5  # of a node with a doorbell, for each other node
_OWN_FILES, _ASKED_FILES = 64, 8  # of famulus, and for each node that famulus starts or asks
_MANY = 8192  # processes and threads; a user who may have more has room
_DISK = 8 << 30  # bytes of a node's disk, which is sparse


@dataclass(frozen=True)
class _Limit:
    """A limit: getrlimit's number, the shell's option and unit, and what nodes need at least."""

    number: int
    option: str
    unit: int
    need: int

    def finding(self) -> Finding | None:
        soft, hard = resource.getrlimit(self.number)
        if soft == resource.RLIM_INFINITY or soft >= self.need:
            return None
        wanted = -(-self.need // self.unit)
        enough = hard == resource.RLIM_INFINITY or hard >= self.need
        cure = f"`ulimit -{self.option} {wanted}` in the shell before."
        if not enough:
            cure += " Only root can raise the hard limit: limits.conf(5), LimitXXX= of a service."
        text = f"`ulimit -{self.option}` is {soft // self.unit}; nodes need {wanted} at least"
        return Finding("limits", "error", text, cure)


def check_limits(spec: FabricSpec, running: int) -> list[Finding]:
    """Return the limits that keep the nodes of `spec` from starting; `running` of them run.

    Nodes that libvirt runs do not inherit the limits of this process.
    """
    new = max(spec.nodes - running, 0)
    if not new or spec.network == "libvirt":
        return []
    found = [limit.finding() for limit in _limits(spec, new)]
    return [finding for finding in (*found, _processes(new)) if finding]


def _limits(spec: FabricSpec, new: int) -> Iterator[_Limit]:
    pools = 2 if spec.watched else 1  # the plugin maps the pool beside the node's image
    space = spec.memory + pools * spec.pool + _LEAST_SPACE
    yield _Limit(resource.RLIMIT_AS, "v", 1024, space)
    yield _Limit(resource.RLIMIT_DATA, "d", 1024, spec.memory + _LEAST_DATA)
    yield _Limit(resource.RLIMIT_FSIZE, "f", 1024, max(_DISK, spec.pool, spec.memory))
    peers = _PEER_FILES * spec.nodes if spec.doorbell else 0
    files = max(_NODE_FILES + peers, _OWN_FILES + _ASKED_FILES * new)
    yield _Limit(resource.RLIMIT_NOFILE, "n", 1, files)
    if os.geteuid() and resource.getrlimit(resource.RLIMIT_NPROC)[0] < _MANY:  # root has no limit
        yield _Limit(resource.RLIMIT_NPROC, "u", 1, _threads_of(os.getuid()) + _threads(new))


def _threads(new: int) -> int:
    return _NODE_THREADS * new + _OTHER_THREADS


def _processes(new: int) -> Finding | None:
    room = process_room()
    if room is None or room.left >= _threads(new):
        return None
    return Finding(
        "limits",
        "error",
        f"the control group {room.folder} has room for {room.left} processes and threads; "
        f"nodes need {_threads(new)}",
        "Raise its pids.max (docker run --pids-limit, systemd's TasksMax=), or start fewer nodes.",
    )


def _threads_of(user: int) -> int:
    """Return how many threads the processes of `user` have, which RLIMIT_NPROC counts."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if folder.stat().st_uid == user:
                total += sum(1 for _ in (folder / "task").iterdir())
    return total
