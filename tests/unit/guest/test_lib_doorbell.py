# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: the driver's doorbell ends waits, where a doorbell exists."""

import subprocess

from tests.unit.guest import lib


def test_a_doorbell_ends_every_wait(tmp_path, lib_pool, lib_objects):
    """Each of 400 notifications rings; a wait that no ring ends fails after 60 seconds."""
    program = tmp_path / "doorbell"
    wrap = "-Wl,--wrap=ioctl,--wrap=fstat,--wrap=poll"
    lib.gcc("-O2", wrap, "-o", program, lib.HERE / "lib_doorbell.c", *lib_objects)
    done = subprocess.run([program, lib_pool], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second, doorbell, rings = map(int, done.stdout.split())
    assert (first, second, doorbell) == (1, 2, 1)
    assert rings >= 400
