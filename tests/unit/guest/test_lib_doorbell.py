# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: waits are ended by the driver's doorbell, where there is one."""

import subprocess
import time

from tests.unit.guest import lib

NAPS = 0.05  # seconds that a wait sleeps when nobody rings


def test_events_by_doorbell(tmp_path, lib_pool):
    """Each of 400 waits is rung for; if they ended by themselves it would take 20 seconds."""
    program = tmp_path / "doorbell"
    wrap = "-Wl,--wrap=ioctl,--wrap=fstat"
    lib.gcc("-O2", wrap, "-o", program, lib.HERE / "lib_doorbell.c", *lib.sources())
    started = time.monotonic()
    done = subprocess.run([program, lib_pool], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second, doorbell, rings = map(int, done.stdout.split())
    assert (first, second, doorbell) == (1, 2, 1)
    assert rings >= 380
    assert time.monotonic() - started < 400 * NAPS
