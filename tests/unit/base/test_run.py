# SPDX-License-Identifier: GPL-2.0-or-later
"""Running programs: real ones, because their processes must be gone afterwards."""

import os
import signal
import threading
import time

import pytest

from famulus.base import run as run_module
from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.base.run import find_program, run, shell_line, terminate_all
from famulus.base.waiting import wait_until
from tests.unit.timeouts import TIMEOUT

HOUR = 3600  # seconds


def sh(script: str, **options):
    return run(["sh", "-c", script], **{"timeout": TIMEOUT, **options})


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - the file may vanish at any moment
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_output_and_exit_code_are_returned():
    result = sh("echo out; echo err >&2; exit 3", check=False)
    assert (result.returncode, result.stdout, result.stderr) == (3, "out\n", "err\n")


def test_stdin_is_empty_or_the_given_text():
    assert sh("cat").stdout == ""
    assert sh("cat", stdin="words").stdout == "words"


def test_stdin_waits_for_a_slow_program():
    words = "words\n" * 100_000
    assert sh("sleep 0.5; cat", stdin=words).stdout == words


def test_environment_and_folder_are_set(tmp_path):
    result = sh("echo $LC_ALL $OWN; pwd", env={"OWN": "x"}, cwd=tmp_path)
    assert result.stdout == f"C.UTF-8 x\n{tmp_path}\n"


def test_each_line_is_handed_over():
    lines: list[str] = []
    result = sh("echo one; echo two >&2; printf three", on_line=lines.append)
    assert lines == ["one", "two", "three"]
    assert result.stdout == "one\ntwo\nthree"


def test_bytes_that_are_no_text_are_replaced():
    assert sh(r"printf '\377\376x'").stdout.endswith("x")


def test_a_failure_has_the_last_lines_and_is_logged_as_a_command(caplog):
    with pytest.raises(FamulusError) as caught:
        sh("for i in $(seq 50); do echo line $i >&2; done; exit 7")
    assert caught.value.brief == "sh failed with exit code 7"
    assert caught.value.details.splitlines() == [f"line {i}" for i in range(31, 51)]
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "sh -c 'for i in" in record.getMessage()


def test_a_killed_program_names_the_signal():
    with pytest.raises(FamulusError, match="was killed by SIGKILL"):
        sh("kill -9 $$")


def test_a_missing_program_is_named():
    with pytest.raises(FamulusError, match="'no-such-program' is not installed") as caught:
        run(["no-such-program"], timeout=TIMEOUT)
    assert "doctor" in caught.value.hint
    with pytest.raises(FamulusError, match="No such file"):
        run(["/no/such/program"], timeout=TIMEOUT)


@pytest.fixture
def early(monkeypatch, tmp_path):
    """A file; each timeout, however long, is over as soon as the file exists and has a line."""
    file = tmp_path / "timeout"

    class Timer(threading.Timer):
        def run(self) -> None:
            while not (file.exists() and file.read_text().endswith("\n")):
                if self.finished.wait(0.01):
                    return
            self.function()

    monkeypatch.setattr("threading.Timer", Timer)
    return file


def test_a_timeout_is_in_seconds():
    """The program would end without an error after a minute."""
    start = time.monotonic()
    with pytest.raises(FamulusError, match=r"took longer than 0\.3 s and was ended"):
        sh("sleep 60", timeout=0.3)
    assert time.monotonic() - start >= 0.3


def test_a_timeout_ends_the_children_too(early):
    with pytest.raises(FamulusError, match=f"took longer than {TIMEOUT:g} s"):
        sh(f"sleep 60 & echo $! > {early}; wait")
    wait_until("the child's end", lambda: gone(int(early.read_text())), timeout=TIMEOUT)


def test_a_timeout_ends_a_program_that_ignores_sigterm(early, monkeypatch):
    monkeypatch.setattr(run_module, "_TERM_GRACE", 0.2)
    with pytest.raises(FamulusError, match="took longer"):
        sh(f"trap '' TERM; echo $$ > {early}; while :; do sleep 0.1; done")
    assert gone(int(early.read_text()))


def test_an_interrupt_ends_the_program(tmp_path):
    started = tmp_path / "started"

    def interrupt() -> None:
        wait_until("the program", started.exists, timeout=HOUR)
        waiting.interrupt(signal.SIGINT)
        terminate_all()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted) as caught:
        sh(f"touch {started}; sleep {HOUR}", timeout=HOUR)
    thread.join()
    assert caught.value.exit_code == 130
    with pytest.raises(Interrupted):
        sh("true")  # no new program is started


def test_an_interrupt_during_the_start_ends_the_program(tmp_path, monkeypatch):
    find = run_module.find_program

    def find_and_interrupt(name: str) -> str | None:
        waiting.interrupt(signal.SIGINT)
        terminate_all()  # the process does not exist yet
        return find(name)

    monkeypatch.setattr(run_module, "find_program", find_and_interrupt)
    with pytest.raises(Interrupted):
        sh(f"sleep {HOUR}; touch {tmp_path}/done", timeout=2 * HOUR)
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("on_line", [None, print], ids=["whole", "lines"])
def test_after_a_timeout_a_process_that_keeps_the_output_may_go_on(early, on_line):
    with pytest.raises(FamulusError, match="took longer") as caught:
        sh(
            f"echo words; setsid sleep 60 & echo $! > {early}; wait",
            on_line=on_line,
            leaves_output=True,
        )
    os.kill(int(early.read_text()), signal.SIGKILL)  # fails if the process has ended
    assert caught.value.details == "words"


@pytest.mark.parametrize("on_line", [None, print], ids=["whole", "lines"])
def test_after_a_timeout_a_daemon_is_waited_for_until_it_is_ready(tmp_path, early, on_line):
    daemon = f"echo > {early}; sleep 1; echo > {tmp_path}/ready"
    with pytest.raises(FamulusError, match="took longer"):
        sh(f"setsid sh -c '{daemon}' & wait", on_line=on_line)
    assert (tmp_path / "ready").exists()


def test_lines_come_whole_and_in_order():
    lines: list[str] = []
    sh("printf 'a\\r\\nb\\303'; sleep 0.3; printf '\\244\\377\\nlast'", on_line=lines.append)
    assert lines == ["a", "b\u00e4\ufffd", "last"]


def test_a_listener_that_raises_ends_the_program(tmp_path):
    def listen(_line: str) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        sh(f"echo $$ > {tmp_path}/pid; echo x; sleep 60", on_line=listen)
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_program_has_its_own_session():
    assert int(sh("cut -d' ' -f6 /proc/$$/stat").stdout) != os.getsid(0)


def test_shell_line_can_be_pasted():
    assert shell_line(["a", "b c", "d'e"]) == """a 'b c' 'd'"'"'e'"""


def test_find_program_looks_where_root_does(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program("no-such-program") is None
    assert find_program("sfdisk") in ("/usr/sbin/sfdisk", "/sbin/sfdisk")


def test_cleanup_runs_after_an_interrupt():
    waiting.interrupt(signal.SIGINT)
    try:
        assert run(["echo", "done"], timeout=TIMEOUT, cleanup=True).stdout == "done\n"
        with pytest.raises(Interrupted):
            run(["echo", "done"], timeout=TIMEOUT)
    finally:
        waiting.forget_interrupt()
