# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers of tests that build templates or boot disks by themselves."""

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.cli import Cli
from tests.integration.waits import wait

_PORTS = iter(range(20000 + os.getpid() % 100 * 100, 32000))


def built(cli: Cli, *words: str) -> Path:
    """Build the template if there is none yet, and return its folder."""
    return Path(cli.ok("template", "build", *words).split()[1])


def copied(folder: Path, into: Path) -> Path:
    """Copy `folder` into the folder `into` as a user would, with other holes; return the copy."""
    into.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-r", "--sparse=always", folder, into], check=True)
    return into / folder.name


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def free_port() -> int:
    """Return a port on which no program listens, and which no other call returns.

    The port is neither in the kernel's range for connections (32768 and up) nor near the ports of
    fabrics (42001 and up). Each process starts elsewhere: workers run side by side.
    """
    for port in _PORTS:
        with contextlib.suppress(OSError), closing(socket.create_server(("127.0.0.1", port))):
            return port
    pytest.fail("no port is free")


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """Yield a port that refuses connections: the port is taken, and no program listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def check_node(cli: Cli) -> None:
    """Check the properties of every node, of any suite and kernel."""
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
    """Return the names in the folder of the templates, without locks and logs."""
    found = sorted(path.name for path in (home / "templates").glob("*"))
    return [name for name in found if not name.endswith((".lock", ".log"))]


def processes_in(*folders: Path) -> list[str]:
    """Return the processes that name one of `folders`, or have root or working folder there."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            places = [os.fsencode((path / name).readlink()) for name in ("root", "cwd")]
            places.append((path / "cmdline").read_bytes())
            if any(os.fsencode(folder) in place for folder in folders for place in places):
                found.append(f"{path.name} {places}")
    return found


def nothing_runs(*folders: Path) -> None:
    """Wait until no process uses one of `folders`; no file system is mounted there either."""
    wait(lambda: not processes_in(*folders), lambda: processes_in(*folders))
    mounts = Path("/proc/mounts").read_text(encoding="utf-8")
    assert not any(str(folder) in mounts for folder in folders)
