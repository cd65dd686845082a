# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that outlive the command that started them.

A stored process number proves nothing: the kernel may have given the number to another process. A
process is Famulus' own if its pid file has its number and its arguments have the file's token.
"""

import contextlib
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from famulus.base.units import KIB
from famulus.base.waiting import wait_until

# Two timeouts, because two events end the waits. A wait for a process that begins a program or ends
# is part of every look at a process, so that Ctrl-C (over within 5 s) has to outlast it. A wait for
# the end of a killed process is part of cleaning up, and a busy host may need longer.
_BETWEEN_TIMEOUT = 2.0  # seconds
_END_TIMEOUT = 10.0  # seconds
_KERNEL_THREAD = 0x200000  # Linux, include/linux/sched.h: PF_KTHREAD


@dataclass(frozen=True)
class Daemon:
    """A process that writes its number to `pidfile` and carries `token` in its arguments."""

    pidfile: Path
    token: str

    def pid(self) -> int | None:
        """Return the process number, or None if the process does not run."""
        try:
            number = int(self.pidfile.read_text(encoding="ascii"))
            arguments = _arguments(number)
        except (OSError, ValueError):
            return None
        return number if os.fsencode(self.token) in arguments else None

    def running(self) -> bool:
        """Return whether the process runs."""
        return self.pid() is not None

    def started(self) -> int | None:
        """Return when the process started, in clock ticks since the host's boot, or None."""
        pid = self.pid()
        return start_ticks(pid) if pid else None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the process runs."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """End the process at once and remove its pid file. Nothing happens if it does not run.

        No interrupt ends the wait for the process' end: cleaning up must work after an interrupt.
        """
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _wait_end(pid)
        self.pidfile.unlink(missing_ok=True)

    def wait_gone(self, event: str, timeout: float) -> None:
        """Wait for the process' end, which messages call `event`.

        Raises FamulusError after `timeout` seconds.
        """
        pid = self.pid()
        wait_until(event, lambda: not self.running(), timeout=timeout)
        if pid is not None:
            _wait_end(pid)  # the kernel frees its memory before its files and locks
        self.pidfile.unlink(missing_ok=True)


@dataclass(frozen=True)
class Service:
    """A daemon with a folder of its own that has its pid file `pid`; the daemon need not run."""

    folder: Path

    @property
    def daemon(self) -> Daemon:
        """The process of the service."""
        return Daemon(self.folder / "pid", str(self.folder))

    def running(self) -> bool:
        """Return whether the service runs."""
        return self.daemon.running()

    def stop(self) -> None:
        """End the service at once and remove its folder, as far as they are there."""
        self.daemon.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def watch(pid: int) -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether process `pid` has ended (pidfd_open(2)).

    Another process that gets the number later does not count.
    """
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        yield lambda: True
        return
    try:
        yield lambda: bool(select.select([fd], [], [], 0)[0])
    finally:
        os.close(fd)


def named_in_arguments(token: str) -> bool:
    """Return whether `token` stands in the arguments of any process on the host."""
    word = os.fsencode(token)
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # the process has ended
            if word in file.read_bytes():
                return True
    return False


def _arguments(pid: int) -> bytes:
    """Return the arguments of process `pid`, b"" if the process is a zombie.

    A process has no arguments either while it begins another program, and while it ends, between
    the loss of its memory and that of its files and locks. Both states last for moments; this
    function waits until they are over. Raises OSError if there is no such process.
    """
    deadline = time.monotonic() + _BETWEEN_TIMEOUT
    file = Path(f"/proc/{pid}/cmdline")
    while not (words := file.read_bytes()) and _is_between(pid) and time.monotonic() < deadline:
        time.sleep(0.001)
    return words


def _is_between(pid: int) -> bool:
    """Return whether `pid` is neither a zombie nor a kernel thread, which never have arguments.

    A zombie whose other threads have not ended still has its files.
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
    """The memory of a process, in bytes.

    `private` is not shared; `proportional` adds the process' part of shared memory (PSS, proc(5)).
    """

    private: int
    proportional: int


def memory(pid: int) -> Memory | None:
    """Return the memory of process `pid` (proc(5), smaps_rollup), or None if it is unreadable."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return None
    sizes = {words[0]: int(words[1]) * KIB for words in map(str.split, text.splitlines()[1:])}
    return Memory(sizes["Private_Clean:"] + sizes["Private_Dirty:"], sizes["Pss:"])


def is_stopped(pid: int) -> bool:
    """Tell whether a signal, or a debugger, has stopped process `pid`."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] in "Tt"


def cpu_seconds(pid: int | None) -> float:
    """Return the CPU seconds that process `pid` has used; 0 if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait_end(pid: int) -> None:
    """Wait until process `pid` has lost its memory, files and locks (pidfd_open(2))."""
    fd = -1
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
    if fd >= 0:
        select.select([fd], [], [], _END_TIMEOUT)
        os.close(fd)
