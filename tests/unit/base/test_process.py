# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes: a stored number is checked against the process' arguments."""

import os
import signal
import subprocess
import sys

import pytest

from famulus.base import waiting
from famulus.base.errors import FamulusError
from famulus.base.process import Daemon, cpu_seconds, memory, start_ticks, watch
from famulus.base.units import GIB, KIB
from tests.unit.timeouts import TIMEOUT

TOKEN = "famulus-test-token"
SLEEP = "import sys, time; print(flush=True); time.sleep(60)"


@pytest.fixture
def child():
    """A process that has the token in its arguments."""
    words = [sys.executable, "-c", SLEEP, TOKEN]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def daemon(tmp_path, child):
    (tmp_path / "pid").write_text(f"{child.pid}\n")
    return Daemon(tmp_path / "pid", TOKEN)


def test_a_daemon_is_found_by_number_and_token(daemon, child):
    assert daemon.running()
    assert daemon.pid() == child.pid
    assert daemon.started() == start_ticks(child.pid)


def test_a_process_that_begins_another_program_runs_all_the_while(tmp_path):
    """The arguments are empty for a moment each time."""
    again = 'exec /bin/sh -c "$0" "$0" "$1"'
    with subprocess.Popen(["/bin/sh", "-c", again, again, TOKEN]) as process:
        (tmp_path / "pid").write_text(f"{process.pid}\n")
        daemon = Daemon(tmp_path / "pid", TOKEN)
        seen = [daemon.running() for _ in range(300)]
        process.kill()
    assert all(seen)


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "99999999999", "1 2", "\0", "\xff"])
def test_nonsense_in_the_pid_file_means_no_process(tmp_path, text):
    (tmp_path / "pid").write_text(text)
    daemon = Daemon(tmp_path / "pid", TOKEN)
    assert not daemon.running()
    daemon.kill()
    assert not (tmp_path / "pid").exists()


def test_a_missing_pid_file_means_no_process(tmp_path):
    daemon = Daemon(tmp_path / "pid", TOKEN)
    assert daemon.pid() is None
    assert daemon.started() is None
    daemon.send(signal.SIGKILL)
    daemon.kill()


def test_a_process_without_the_token_is_left_alone(tmp_path, child):
    (tmp_path / "pid").write_text(str(child.pid))
    daemon = Daemon(tmp_path / "pid", "famulus-another-token")
    assert not daemon.running()
    daemon.send(signal.SIGKILL)
    daemon.kill()
    assert child.poll() is None
    assert not (tmp_path / "pid").exists()


def test_an_ended_process_does_not_run(daemon, child):
    child.kill()
    child.wait()
    assert not daemon.running()


def test_a_zombie_does_not_run(daemon, child):
    child.send_signal(signal.SIGKILL)
    waiting.wait_until("its end", lambda: _state(child.pid) == "Z", timeout=TIMEOUT)
    assert not daemon.running()


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return stat.read().rpartition(")")[2].split()[0]


def test_the_process_is_gone_when_kill_returns(daemon, child):
    waiting.interrupt(signal.SIGINT)  # cleaning up works after an interrupt
    daemon.kill()
    assert not daemon.running()
    assert not daemon.pidfile.exists()
    assert child.wait(TIMEOUT) == -signal.SIGKILL


def test_wait_gone_waits_for_the_end(daemon):
    with pytest.raises(FamulusError, match=r"in vain for its end"):
        daemon.wait_gone("its end", timeout=0.2)
    daemon.send(signal.SIGTERM)
    daemon.wait_gone("its end", timeout=TIMEOUT)
    assert not daemon.pidfile.exists()


def test_start_memory_and_cpu_time_are_read():
    assert start_ticks(os.getpid())
    mine = memory(os.getpid())
    assert mine
    assert 100 * KIB < mine.private <= mine.proportional < GIB
    assert 0 < cpu_seconds(os.getpid()) < 100_000
    assert start_ticks(99999999) is None
    assert memory(99999999) is None
    assert cpu_seconds(99999999) == cpu_seconds(None) == 0


def test_the_end_of_a_watched_process_is_seen(child):
    with watch(child.pid) as ended:
        assert not ended()
        os.kill(child.pid, signal.SIGSTOP)  # a halted process has not ended
        assert not ended()
        child.kill()
        waiting.wait_until("the end of the process", ended, timeout=60)
        child.wait()
        assert ended()
    with watch(child.pid) as ended:  # the process has ended before
        assert ended()
