# SPDX-License-Identifier: GPL-2.0-or-later
"""`sparse` finds nothing in the driver, for either suite's kernel: `make campaign`."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from famulus.template.guest import guest_folder

pytestmark = [pytest.mark.integration, pytest.mark.campaign("driver")]

PACKAGES = "sparse,make,gcc,libc6-dev,linux-headers-cloud-amd64"
BUILD = (
    "make -C /lib/modules/*/build M=/usr/src/driver C=2 CHECK=sparse W=1"
    " CONFIG_DEBUG_INFO_BTF_MODULES= modules 2>&1"
)


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_sparse_has_nothing_to_say(suite: str) -> None:
    mirror = [os.environ["MIRROR"]] if os.environ.get("MIRROR") else []
    done = subprocess.run(
        [
            "mmdebstrap",
            "--variant=minbase",
            "--format=null",
            f"--include={PACKAGES}",
            '--aptopt=APT::Install-Recommends "false"',
            f"--customize-hook=copy-in {guest_folder() / 'driver'} /usr/src",
            f"--customize-hook=chroot \"$1\" sh -c '{BUILD}'",
            suite,
            "/dev/null",
            *mirror,
        ],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-3000:]
    checked = set(re.findall(r"CHECK\s+/usr/src/driver/(\w+)\.c", printed))
    assert {path.stem for path in Path(guest_folder() / "driver").glob("*.c")} <= checked
    assert not re.findall(r"^/usr/src/driver/.*(?:warning|error).*$", printed, re.MULTILINE)
