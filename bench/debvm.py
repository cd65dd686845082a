# SPDX-License-Identifier: GPL-2.0-or-later
"""debvm, the counterpart: Debian's own tool for a virtual machine from packages."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.common import run

# debvm-run aborts where /dev/kvm opens but boots nothing; a user who cannot open it gets TCG.
_NOBODY = 65534
_LOGIN_TIMEOUT = 300.0  # seconds


def create(folder: Path, suite: str, packages: Sequence[str], options: Sequence[str]) -> None:
    """Make the image `folder`/vm.ext4 and a key for its root."""
    key = folder / "key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    run(
        [
            "debvm-create", "-r", suite, "-z", "8G", "-k", f"{key}.pub", "-o", folder / "vm.ext4",
            "--", f"--include={','.join(packages)}", *options,
        ]
    )  # fmt: skip
    os.chown(folder / "vm.ext4", _NOBODY, _NOBODY)
    for path in (folder, folder.parent):
        path.chmod(0o755)


@contextmanager
def running(folder: Path) -> Iterator[Callable[[], None]]:
    """Run the image while the block runs; yield a function that logs in."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    user = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    image = str(folder / "vm.ext4")
    with (folder / "debvm.log").open("w") as log:
        vm = subprocess.Popen(
            # With a snapshot: the machine is killed, not shut down.
            [
                *user,
                "debvm-run",
                "-i",
                image,
                "-s",
                str(port),
                "--",
                "-display",
                "none",
                "-snapshot",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": "/nonexistent", "TMPDIR": "/tmp"},
        )
        try:
            yield lambda: _log_in(folder, port, vm)
        finally:
            vm.terminate()
            vm.wait(60)


def _log_in(folder: Path, port: int, vm: "subprocess.Popen[bytes]") -> None:
    """Log in by ssh as soon as the machine takes logins, and log out."""
    argv = [
        "ssh", "-F", "none", "-i", str(folder / "key"), "-p", str(port), "-l", "root",
        "-o", "BatchMode=yes", "-o", "ConnectTimeout=60",
        "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
        "127.0.0.1", "true",
    ]  # fmt: skip
    deadline = time.monotonic() + _LOGIN_TIMEOUT
    while subprocess.run(argv, capture_output=True, check=False).returncode:
        if vm.poll() is not None or time.monotonic() > deadline:
            sys.exit("debvm does not let us in:\n" + (folder / "debvm.log").read_text())
        time.sleep(0.2)


def available() -> bool:
    """Tell whether debvm is installed."""
    return shutil.which("debvm-create") is not None
