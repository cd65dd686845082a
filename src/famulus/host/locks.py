# SPDX-License-Identifier: GPL-2.0-or-later
"""Check whether the file system of FAMULUS_HOME has locks: Famulus' own, and QEMU's on disks."""

import fcntl
import struct
import tempfile

from famulus.base import lockfile, paths
from famulus.host.building import nearest
from famulus.host.finding import Finding

# struct flock of 64-bit Linux (fcntl(2)): type, whence, start, length, pid. QEMU locks bytes so.
_LOCK = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 100, 1, 0)


def check_locks() -> list[Finding]:
    """Return an error if files in FAMULUS_HOME cannot be locked, else nothing.

    Nothing either if no file can be made there, which the check of the disk reports.
    """
    folder = nearest(paths.home())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, _LOCK)
    except OSError as error:
        if error.errno not in lockfile.NO_LOCKS:
            return []
        return [Finding("locks", "error", f"no locks in {folder}: {error.strerror}", lockfile.CURE)]
    return []
