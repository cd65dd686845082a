# SPDX-License-Identifier: GPL-2.0-or-later
"""Run other programs; every external program goes through this module.

A program runs in a session of its own, with an empty standard input, in the C locale, and with a
timeout. A failure is logged once, as a line that can be pasted into a shell.
"""

import contextlib
import logging
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from weakref import WeakSet

from famulus.base import collect, waiting
from famulus.base.errors import FamulusError
from famulus.base.redact import without_passwords

log = logging.getLogger("famulus")

Argv = Sequence[str | Path]
Program = subprocess.Popen[bytes]

_TERM_GRACE = 3.0  # seconds between SIGTERM and SIGKILL; Ctrl-C has to be over within 5
_live: set[Program] = set()
_live_lock = threading.Lock()
_ended: WeakSet[Program] = WeakSet()  # nobody waits for the processes that these leave behind


@dataclass(frozen=True)
class Result:
    """A program's exit code and output."""

    returncode: int
    stdout: str
    stderr: str


def shell_line(argv: Argv) -> str:
    """Return `argv` as a line that can be pasted into a shell."""
    return shlex.join(str(arg) for arg in argv)


def for_log(argv: Argv) -> str:
    """Return `argv` as `shell_line` does, without the passwords of URLs."""
    return without_passwords(shell_line(argv))


def find_program(name: str) -> str | None:
    """Return the path of program `name`, found in PATH or in root's usual PATH, or None."""
    return which(name) or which(name, path="/usr/local/sbin:/usr/sbin:/sbin")


def run(
    argv: Argv,
    *,
    timeout: float,
    check: bool = True,
    stdin: str = "",
    on_line: Callable[[str], None] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    cleanup: bool = False,
    pass_fds: Sequence[int] = (),
    leaves_output: bool = False,
) -> Result:
    """Run a program to its end and return its exit code and output.

    With `on_line`, standard error joins standard output, and `on_line` gets each line at once.
    Raises FamulusError if the program is missing, exits non-zero (unless `check` is false) or
    needs more than `timeout` seconds; Interrupted if the user interrupts. In all these cases the
    program and its children are gone.

    The program has the file descriptors `pass_fds` under the same numbers.

    A program may leave its output open in another process. After a timeout or an interrupt, `run`
    waits until that process closes the output or ends, as a daemon does when it is ready. With
    `leaves_output` it does not wait: ssh leaves its output to a shared connection.

    With `cleanup` the program runs although the user has interrupted, to undo changes.
    """
    check_interrupt = _never if cleanup else waiting.check_interrupt
    check_interrupt()
    log.debug("run: %s", for_log(argv))
    with (
        _stdin_file(stdin) as stdin_fd,
        child(
            argv,
            stdin=stdin_fd,
            stderr=subprocess.PIPE if on_line is None else subprocess.STDOUT,
            cwd=cwd,
            env=env,
            pass_fds=pass_fds,
            interrupted=_never if cleanup else waiting.interrupted,
        ) as process,
        ended_after(process, timeout) as hit,
    ):
        stdout, stderr = _collect(process, on_line, leaves_output)
    check_interrupt()
    if hit.is_set():
        raise failure(argv, f"took longer than {timeout:g} s and was ended", stdout + stderr)
    if check and process.returncode:
        raise failure(argv, _how_it_ended(process.returncode), stderr or stdout)
    return Result(process.returncode, stdout, stderr)


def _never() -> bool:
    """Stand for the check of an interrupt, without one."""
    return False


def terminate_all() -> None:
    """End every program that `run` has started; each `run` then returns or raises."""
    with _live_lock:
        processes = list(_live)
    for process in processes:
        end_group(process)


def words_of(argv: Argv) -> list[str]:
    """Return the words of `argv`, the first of them the program's path.

    Raises FamulusError if the program is not installed.
    """
    return [_program(argv), *map(str, argv[1:])]


def _program(argv: Argv) -> str:
    name = str(argv[0])
    path = name if "/" in name else find_program(name)
    if path is None:
        raise FamulusError(
            f"the program '{name}' is not installed",
            hint="`famulus doctor` names the package that has the program.",
        )
    return path


@contextmanager
def _stdin_file(stdin: str) -> Iterator[int]:
    """Yield the descriptor of a file with the text `stdin`; a pipe might not hold all of that."""
    with os.fdopen(os.memfd_create("stdin"), "w+b") as file:
        file.write(stdin.encode())
        file.seek(0)
        yield file.fileno()


@contextmanager
def child(
    argv: Argv,
    *,
    stdin: int,
    stderr: int,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    interrupted: Callable[[], bool] = waiting.interrupted,
) -> Iterator[Program]:
    """Run a program during the block, its output in a pipe; afterwards its group is gone.

    `stdin` and `stderr` are as in subprocess.Popen. An interrupt ends the program.
    """
    try:
        process = subprocess.Popen(
            words_of(argv),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            cwd=cwd,
            pass_fds=pass_fds,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
        )
    except OSError as error:
        raise failure(argv, error.strerror or str(error), "") from error
    with _live_lock:
        _live.add(process)
    try:
        if interrupted():  # since the check before the start; terminate_all saw no process then
            end_group(process)
        yield process
    finally:
        if process.poll() is None:
            end_group(process)
        with _live_lock:
            _live.discard(process)


@contextmanager
def ended_after(process: Program, timeout: float) -> Iterator[threading.Event]:
    """Yield an event; after `timeout` seconds set the event and end `process`."""
    hit = threading.Event()

    def expire() -> None:
        hit.set()
        end_group(process)

    timer = threading.Timer(timeout, expire)
    timer.daemon = True
    timer.start()
    try:
        yield hit
    finally:
        timer.cancel()


def _collect(
    process: Program, on_line: Callable[[str], None] | None, leaves_output: bool
) -> tuple[str, str]:
    def given_up() -> bool:
        return leaves_output and was_ended(process)

    if on_line is None:
        return collect.whole(process, given_up)
    printed = []
    for line in collect.lines(process, given_up):
        printed.append(line)
        on_line(line.rstrip("\n"))
    process.wait()
    return "".join(printed), ""


def was_ended(process: Program) -> bool:
    """Tell whether `process` is over because of `end_group`; others may hold its output open."""
    return process in _ended and process.poll() is not None


def end_group(process: Program) -> None:
    """End `process` and its children, by SIGKILL if SIGTERM does not do so in time."""
    _ended.add(process)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_TERM_GRACE)
            return


def _how_it_ended(code: int) -> str:
    return (
        f"was killed by {signal.Signals(-code).name}"
        if code < 0
        else f"failed with exit code {code}"
    )


def failure(argv: Argv, how: str, output: str) -> FamulusError:
    """Log that the program `argv` failed, and return the error with the end of its output."""
    log.error("%s: %s", how, for_log(argv))
    last = "\n".join(output.strip().splitlines()[-20:])
    return FamulusError(f"{Path(str(argv[0])).name} {how}", details=last)
