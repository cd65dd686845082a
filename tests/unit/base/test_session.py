# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs whose output is passed on, or that have the user's terminal: real programs."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from famulus.base import session, waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.base.run import terminate_all
from famulus.base.session import Stream, interactive, relay
from tests.unit.base.test_run import gone

Printed = list[tuple[Stream, bytes]]
HOUR = 3600.0


def passed_on(
    script: str, shall_end: Callable[[], bool] = lambda: False, *, feed: bool = False
) -> tuple[int, Printed]:
    """Run a script of sh; return its exit code and what it printed."""
    printed: Printed = []

    def keep(stream: Stream, line: bytes) -> None:
        printed.append((stream, line))

    code = relay(["sh", "-c", script], keep, shall_end, timeout=HOUR, feed=feed)
    return code, printed


@pytest.fixture
def stdin() -> Iterator[int]:
    """Replace standard input by a pipe, and yield the end to write to."""
    before = os.dup(0)
    reader, writer = os.pipe()
    os.dup2(reader, 0)
    os.close(reader)
    try:
        yield writer
    finally:
        os.dup2(before, 0)
        os.close(before)


def test_lines_keep_their_streams_and_their_bytes():
    code, printed = passed_on(r"printf 'a\377\000\r\n\nlast'; sleep 0.2; echo wrong >&2; exit 3")
    assert code == 3
    assert [line for stream, line in printed if stream is Stream.OUT] == [
        b"a\xff\0\r",
        b"",
        b"last",
    ]
    assert [line for stream, line in printed if stream is Stream.ERR] == [b"wrong"]


def test_a_line_arrives_before_the_program_ends():
    seen = threading.Event()
    relay(
        ["sh", "-c", "echo first; while :; do sleep 0.1; done"],
        lambda *_: seen.set(),
        seen.is_set,
        timeout=HOUR,
        feed=False,
    )
    assert seen.is_set()


def test_a_line_without_an_end_comes_in_parts():
    code, printed = passed_on("head -c 3000000 /dev/zero")
    assert code == 0
    assert len(printed) > 1
    assert b"".join(line for _, line in printed) == bytes(3_000_000)


def test_a_killed_program_has_the_exit_code_of_a_shell():
    assert passed_on("kill -9 $$")[0] == 128 + signal.SIGKILL


def test_without_feed_the_input_is_empty(stdin: int):
    os.write(stdin, b"words\n")
    os.close(stdin)
    assert passed_on("cat") == (0, [])


def test_with_feed_the_program_reads_standard_input(stdin: int):
    sent = os.urandom(1 << 20).replace(b"\n", b"")
    writer = threading.Thread(target=lambda: os.fdopen(stdin, "wb").write(sent))
    writer.start()
    code, printed = passed_on("cat", feed=True)
    writer.join()
    assert code == 0
    assert b"".join(line for _, line in printed) == sent


def test_a_program_that_ends_leaves_the_rest_of_the_input(stdin: int):
    code, _ = passed_on("exit 5", feed=True)  # while the writer keeps the pipe open
    assert code == 5
    os.close(stdin)


def test_a_program_that_shall_end_is_ended_and_its_lines_are_kept(tmp_path):
    file = tmp_path / "pid"
    script = f"echo one; echo $$ > {file}.part; mv {file}.part {file}; sleep 1000; echo two"
    code, printed = passed_on(script, file.exists)
    assert code == 128 + signal.SIGTERM
    assert printed == [(Stream.OUT, b"one")]
    assert gone(int(file.read_text()))


def test_a_program_that_closed_its_output_ends_too(tmp_path):
    file = tmp_path / "there"
    code, _ = passed_on(f"exec >&- 2>&-; touch {file}; exec sleep 1000", file.exists)
    assert code == 128 + signal.SIGTERM


def test_a_process_that_keeps_the_output_is_not_waited_for(tmp_path):
    """As the shared connection of ssh does."""
    file = tmp_path / "pid"
    keeper = f"setsid sh -c 'echo $$ > {file}.part; mv {file}.part {file}; exec sleep 1000'"
    passed_on(f"{keeper} & wait", file.exists)
    os.kill(int(file.read_text()), signal.SIGKILL)  # fails if the process has ended


def test_a_listener_that_raises_ends_the_program(tmp_path):
    def listen(_stream: Stream, _line: bytes) -> None:
        raise BrokenPipeError

    argv = ["sh", "-c", f"echo $$ > {tmp_path}/pid; yes"]
    with pytest.raises(BrokenPipeError):
        relay(argv, listen, lambda: False, timeout=HOUR, feed=False)
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_timeout_is_an_error():
    with pytest.raises(FamulusError, match=r"sh took longer than 0\.3 s"):
        relay(["sh", "-c", "sleep 1000"], lambda *_: None, lambda: False, timeout=0.3, feed=False)


@pytest.fixture
def interrupt() -> Iterator[None]:
    """Interrupt after a moment, as a signal does."""

    def act() -> None:
        waiting.interrupt(signal.SIGTERM)
        terminate_all()

    timer = threading.Timer(0.3, act)
    timer.start()
    yield
    timer.join()


@pytest.mark.usefixtures("interrupt")
def test_an_interrupt_ends_a_program_whose_output_is_passed_on():
    with pytest.raises(Interrupted) as caught:
        passed_on("sleep 1000")
    assert caught.value.exit_code == 128 + signal.SIGTERM


@pytest.mark.usefixtures("interrupt")
def test_an_interrupt_ends_a_program_on_the_terminal():
    with pytest.raises(Interrupted):
        interactive(["sleep", "1000"])


def test_a_program_on_the_terminal_has_our_input_and_output():
    words = ["sh", "-c", "cat; exit 4"]
    script = f"from famulus.base.session import interactive; exit(interactive({words}))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=b"words\n",
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (4, b"words\n")


def test_a_program_on_the_terminal_is_ended_when_it_shall():
    assert interactive(["sleep", "1000"], lambda: True) == 128 + signal.SIGTERM


def test_a_program_that_ignores_sigterm_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr(session, "_TERM_GRACE", 0.2)
    file = tmp_path / "ready"
    script = f"trap '' TERM; touch {file}; while :; do sleep 0.1; done"
    assert interactive(["sh", "-c", script], file.exists) == 128 + signal.SIGKILL


def test_a_missing_program_is_named():
    with pytest.raises(FamulusError, match="'no-such-program' is not installed"):
        interactive(["no-such-program"])
    with pytest.raises(FamulusError, match="'no-such-program' is not installed"):
        relay(["no-such-program"], lambda *_: None, lambda: False, timeout=1, feed=False)
