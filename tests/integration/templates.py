# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of templates share."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.cli import Cli


def built(cli: Cli, *words: str) -> Path:
    """Have the template built if it is not there yet, and return its folder."""
    return Path(cli.ok("template", "build", *words).split()[1])


def wait(condition: Callable[[], object], timeout: float, evidence: Callable[[], object]) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, evidence()
        time.sleep(0.5)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def check_node(cli: Cli) -> None:
    """What must be so in every node, whatever suite or kernel it has."""
    assert cli.node(1, "systemctl --failed --no-legend --plain") == ""
    assert "Inter-VM shared memory" in cli.node(1, "lspci -s 00:04.0")
    owners = "stat -c '%u:%g %n' /home/fabric /home/fabric/.ssh /etc/sudoers.d/fabric /usr/bin/sudo"
    assert [line.split()[0] for line in cli.node(1, owners).splitlines()] == [
        "1000:1000",
        "1000:1000",
        "0:0",
        "0:0",
    ]
    cli.node(1, "make -s hello_fabric hello_fabric_read && sudo ./hello_fabric")
    assert "Hello from fabric1" in cli.node(1, "sudo ./hello_fabric_read")
    cli.node(1, "ping -c 1 -W 5 vmhost")


def finished(home: Path) -> list[str]:
    """What lies in the folder of the templates and is neither a lock nor a log."""
    found = sorted(path.name for path in (home / "templates").glob("*"))
    return [name for name in found if not name.endswith((".lock", ".log"))]


def until(process: subprocess.Popen[str], words: str) -> None:
    """Read on until the build prints `words`."""
    assert process.stdout
    seen = []
    for line in process.stdout:
        seen.append(line)
        if words in line:
            return
    pytest.fail(f"'{words}' never came:\n" + "".join(seen[-30:]))


def processes_in(*folders: Path) -> list[str]:
    """The processes that name one of `folders`, or stand or are locked up in it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            places = [os.fsencode((path / name).readlink()) for name in ("root", "cwd")]
            places.append((path / "cmdline").read_bytes())
            if any(os.fsencode(folder) in place for folder in folders for place in places):
                found.append(f"{path.name} {places}")
    return found


def nothing_runs(*folders: Path) -> None:
    wait(lambda: not processes_in(*folders), 60, lambda: processes_in(*folders))
    mounts = Path("/proc/mounts").read_text(encoding="utf-8")
    assert not any(str(folder) in mounts for folder in folders)
