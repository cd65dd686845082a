# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that outlive the command that started them.

Nothing that is stored about a process is believed: its number may be somebody else's by now. A
process is ours if its number stands in our pid file and our token in its arguments.
"""

import contextlib
import os
import select
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from famulus.base.units import KIB
from famulus.base.waiting import wait_until

_KILL_TIMEOUT = 10.0  # seconds in which the kernel ends a killed process, also on a busy host
_BETWEEN_TIMEOUT = 2.0  # seconds: no interrupt ends this wait, and a second look goes on with it
_KERNEL_THREAD = 0x200000  # Linux, include/linux/sched.h: PF_KTHREAD


@dataclass(frozen=True)
class Daemon:
    """A process that writes its number to `pidfile` and carries `token` in its arguments."""

    pidfile: Path
    token: str

    def pid(self) -> int | None:
        """Return the process number, or None if the process is not there (any more)."""
        try:
            number = int(self.pidfile.read_text(encoding="ascii"))
            arguments = _arguments(number)
        except (OSError, ValueError):
            return None
        return number if os.fsencode(self.token) in arguments else None

    def running(self) -> bool:
        """Tell whether the process is there."""
        return self.pid() is not None

    def started(self) -> int | None:
        """Return when the process started, in clock ticks since the host's boot, or None."""
        pid = self.pid()
        return start_ticks(pid) if pid else None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the process is there."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """End the process at once and forget its number. Nothing happens if it is not there.

        Cleaning up must work after an interrupt too, so this wait is none that ends early.
        """
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _reap(pid)
        self.pidfile.unlink(missing_ok=True)

    def wait_gone(self, what: str, timeout: float) -> None:
        """Wait until the process has ended. Raises FamulusError after `timeout` seconds."""
        pid = self.pid()
        wait_until(what, lambda: not self.running(), timeout=timeout)
        if pid is not None:
            _reap(pid)  # its memory goes before its files and locks do
        self.pidfile.unlink(missing_ok=True)


@dataclass(frozen=True)
class Service:
    """A daemon with a folder of its own, where its pid file is `pid`; it need not run."""

    folder: Path

    @property
    def daemon(self) -> Daemon:
        """Its process."""
        return Daemon(self.folder / "pid", str(self.folder))

    def running(self) -> bool:
        """Tell whether it runs."""
        return self.daemon.running()

    def stop(self) -> None:
        """End it at once and remove its folder. Nothing happens if it does not run."""
        self.daemon.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _arguments(pid: int) -> bytes:
    """Return the arguments of process `pid`, none if it has ended. Raises OSError if it is gone.

    It has none either while it begins another program, and when it ends, from when its memory goes
    until its files and locks have gone, too. Both are over soon, and waited for.
    """
    deadline = time.monotonic() + _BETWEEN_TIMEOUT
    file = Path(f"/proc/{pid}/cmdline")
    while not (found := file.read_bytes()) and _is_between(pid) and time.monotonic() < deadline:
        time.sleep(0.001)
    return found


def _is_between(pid: int) -> bool:
    """Tell whether `pid` is no zombie and no thread of the kernel, which have no arguments.

    A zombie whose other threads are yet to end still has its files.
    """
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    state, flags, threads = fields[0], int(fields[6]), int(fields[17])
    return (state not in "ZX" or threads > 1) and not flags & _KERNEL_THREAD


def start_ticks(pid: int) -> int | None:
    """Return when process `pid` started, in clock ticks since boot (proc(5)), or None."""
    try:
        return int(
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        )
    except OSError:
        return None


@dataclass(frozen=True)
class Memory:
    """What memory a process takes, in bytes.

    `private` is what it alone has; `proportional` adds its part of what it shares with others.
    """

    private: int
    proportional: int


def memory(pid: int) -> Memory | None:
    """Return what process `pid` takes (proc(5), smaps_rollup), or None if it cannot be read."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return None
    sizes = {words[0]: int(words[1]) * KIB for words in map(str.split, text.splitlines()[1:])}
    return Memory(sizes["Private_Clean:"] + sizes["Private_Dirty:"], sizes["Pss:"])


def cpu_seconds(pid: int | None) -> float:
    """Return the CPU seconds that process `pid` has used; 0 if it is not there."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _reap(pid: int) -> None:
    fd = -1
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
    if fd >= 0:
        select.select([fd], [], [], _KILL_TIMEOUT)
        os.close(fd)
