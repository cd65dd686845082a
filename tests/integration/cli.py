# SPDX-License-Identifier: GPL-2.0-or-later
"""The command `famulus` in a process of its own, as a user runs it."""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from famulus.backend.qemu.user import UserNetwork
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from tests.integration.waits import wait

TIMEOUT = 1200  # seconds; the first `up` builds the template, or waits for another worker


@dataclass
class Cli:
    """The command `famulus` for one fabric, run as a user runs it."""

    fabric: str
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "famulus", *words]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "FAMULUS_FABRIC": self.fabric, "COLUMNS": "200", **self.env}

    def run(
        self, *words: str, stdin: str = "", timeout: float = TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        return self.command(self.argv(*words), stdin=stdin, timeout=timeout)

    def command(
        self, argv: list[str], *, stdin: str = "", timeout: float = TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run any command in the environment of this fabric."""
        return subprocess.run(
            argv,
            env=self.environment(),
            cwd=self.cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def ok(self, *words: str, stdin: str = "", timeout: float = TIMEOUT) -> str:
        """Run and return standard output; if the command fails, the test fails with all output."""
        result = self.run(*words, stdin=stdin, timeout=timeout)
        assert result.returncode == 0, f"famulus {words}\n{result.stdout}\n{result.stderr}"
        assert "Traceback" not in result.stderr
        return result.stdout

    def fails(self, *words: str, code: int, says: str, timeout: float = TIMEOUT) -> str:
        """Run, expect exit code `code` and `says` in standard error; return standard error."""
        result = self.run(*words, timeout=timeout)
        assert result.returncode == code, f"famulus {words}\n{result.stdout}\n{result.stderr}"
        assert "Traceback" not in result.stderr
        assert says in result.stderr, result.stderr
        return result.stderr

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start without waiting, in a process group of its own as a shell would."""
        return subprocess.Popen(
            self.argv(*words),
            env=self.environment(),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def node(self, number: int, command: str, user: str | None = None) -> str:
        """Run a shell command in a node and return its standard output."""
        login = ["-l", user] if user else []
        return self.ok("ssh", str(number), *login, "--", command, timeout=TIMEOUT).strip()

    def reboot(self, number: int) -> None:
        """Reboot a node from within, and return when the node takes logins again."""
        look = ("ssh", str(number), "--", "cat /proc/sys/kernel/random/boot_id")
        boots = [self.ok(*look)]

        def is_another_boot() -> bool:
            boots.append(self.run(*look).stdout)
            return boots[-1] not in ("", boots[0])

        self.run("ssh", str(number), "--", "sync; sudo systemctl reboot")
        wait(is_another_boot, lambda: boots[-1], timeout=TIMEOUT, interval=1)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ok("status", "--json"))
        return found

    def states(self) -> list[str]:
        return [node["state"] for node in self.status()["nodes"]]

    def members(self) -> dict[int, bytes]:
        """Return the processes that carry this fabric's folders in their arguments, with these."""
        folder = FabricFolder(self.fabric)
        tokens = [os.fsencode(folder.path) + b"/", os.fsencode(folder.sockets) + b"/"]
        with contextlib.suppress(OSError):  # not empty: the fabric has sockets
            folder.sockets.rmdir()
        return {pid: args for pid, args in all_processes() if any(t in args for t in tokens)}

    def processes(self) -> list[int]:
        """Return the numbers of `members()` after ended commands have ended their helpers."""
        deadline = time.monotonic() + TIMEOUT  # a shared connection of ssh ends by itself
        while (found := self.members()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return list(found)

    @contextlib.contextmanager
    def on_terminal(self, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        """Run on a terminal during the block; yield the process and the terminal's other end."""
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            self.argv(*words),
            env=self.environment(),
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        os.close(follower)
        try:
            yield process, leader
        finally:
            os.close(leader)

    def log_in_on_console(self) -> int:
        """Log in on node 1's console with the password, leave it, and return the exit code."""
        with self.on_terminal("console", "1") as (process, terminal):
            for text, answer in (
                ("login:", b"fabric\r"),
                ("assword:", b"rocks\r"),
                ("fabric@fabric1", b"\x1d"),
            ):
                expect(terminal, text)
                os.write(terminal, answer)
            return process.wait(TIMEOUT)

    def purge(self) -> None:
        self.run("down", "--purge")


@contextlib.contextmanager
def running(nodes: int) -> Iterator[Cli]:
    """Yield a fabric of `nodes` nodes; afterwards nothing of the fabric is left."""
    cli = Cli(f"t{os.getpid()}-{nodes}")
    try:
        cli.ok("up", str(nodes), "--pool", "64M")
        yield cli
    finally:
        cli.purge()


def expect(terminal: int, text: str) -> str:
    """Read until the terminal shows `text`; return the output. Press Enter until the login shows.

    The terminal may lose keys that are typed before the console is open.
    """
    seen = b""
    deadline = time.monotonic() + TIMEOUT
    while text.encode() not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 5)[0]:
            seen += os.read(terminal, 4096)
        elif text == "login:":
            os.write(terminal, b"\r")
    return seen.decode(errors="replace")


def all_processes() -> Iterator[tuple[int, bytes]]:
    """Yield the number and the arguments of each process of the host."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(folder.name), (folder / "cmdline").read_bytes()


def interrupt(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> None:
    """Send a signal to the whole group, as Ctrl-C does, and wait until `process` has ended."""
    os.killpg(process.pid, number)
    process.wait(TIMEOUT)


def kill_daemon(cli: Cli, name: str) -> None:
    """Kill the fabric's `switch` or `gateway` with -9, unknown to famulus."""
    network = UserNetwork(FabricFolder(cli.fabric).sockets, FabricSpec().subnet)
    daemon = {"switch": network.switch, "gateway": network.gateway}[name]
    pid = daemon.pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    while daemon.running():
        time.sleep(0.01)
