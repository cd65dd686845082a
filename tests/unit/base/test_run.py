# SPDX-License-Identifier: GPL-2.0-or-later
"""The door to other programs. Real ones: what matters is what happens to their processes."""

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


def sh(script: str, **options):
    return run(["sh", "-c", script], **{"timeout": 20, **options})


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - gone at any moment
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_output():
    result = sh("echo out; echo err >&2; exit 3", check=False)
    assert (result.returncode, result.stdout, result.stderr) == (3, "out\n", "err\n")


def test_stdin_is_closed_or_what_was_given():
    assert sh("cat").stdout == ""
    assert sh("cat", stdin="words").stdout == "words"


def test_stdin_of_a_program_that_takes_its_time():
    words = "words\n" * 100_000
    assert sh("sleep 0.5; cat", stdin=words).stdout == words


def test_environment_and_folder(tmp_path):
    result = sh("echo $LC_ALL $OWN; pwd", env={"OWN": "x"}, cwd=tmp_path)
    assert result.stdout == f"C.UTF-8 x\n{tmp_path}\n"


def test_lines_as_they_come():
    lines: list[str] = []
    result = sh("echo one; echo two >&2; printf three", on_line=lines.append)
    assert lines == ["one", "two", "three"]
    assert result.stdout == "one\ntwo\nthree"


def test_what_is_no_text_does_no_harm():
    assert sh(r"printf '\377\376x'").stdout.endswith("x")


def test_failure_has_the_evidence_and_is_logged_to_be_pasted(caplog):
    with pytest.raises(FamulusError) as caught:
        sh("for i in $(seq 50); do echo line $i >&2; done; exit 7")
    assert caught.value.brief == "sh failed with exit code 7"
    assert caught.value.details.splitlines() == [f"line {i}" for i in range(31, 51)]
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "sh -c 'for i in" in record.getMessage()


def test_killed():
    with pytest.raises(FamulusError, match="was killed by SIGKILL"):
        sh("kill -9 $$")


def test_missing_program():
    with pytest.raises(FamulusError, match="'no-such-program' is not installed") as caught:
        run(["no-such-program"], timeout=1)
    assert "doctor" in caught.value.hint
    with pytest.raises(FamulusError, match="No such file"):
        run(["/no/such/program"], timeout=1)


def test_limit_ends_the_children_too(tmp_path):
    start = time.monotonic()
    with pytest.raises(FamulusError, match="took longer than 3 s"):
        sh(f"sleep 60 & echo $! > {tmp_path}/pid; wait", timeout=3)
    assert time.monotonic() - start < 20
    child = int((tmp_path / "pid").read_text())
    wait_until("the child's end", lambda: gone(child), timeout=30)


def test_limit_on_one_that_ignores_sigterm():
    start = time.monotonic()
    with pytest.raises(FamulusError, match="took longer"):
        sh("trap '' TERM; while :; do sleep 0.1; done", timeout=0.3)
    assert time.monotonic() - start < 20


def test_interrupt_ends_it():
    def interrupt() -> None:
        waiting.interrupt(signal.SIGINT)
        terminate_all()

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    start = time.monotonic()
    with pytest.raises(Interrupted) as caught:
        sh("sleep 60")
    assert time.monotonic() - start < 20
    assert caught.value.exit_code == 130
    with pytest.raises(Interrupted):
        sh("true")  # nothing new is begun
    timer.join()


def test_an_interrupt_while_it_is_being_started_ends_it(tmp_path, monkeypatch):
    find = run_module.find_program

    def find_and_interrupt(name: str) -> str | None:
        waiting.interrupt(signal.SIGINT)
        terminate_all()  # which cannot see it yet
        return find(name)

    monkeypatch.setattr(run_module, "find_program", find_and_interrupt)
    with pytest.raises(Interrupted):
        sh(f"sleep 60; touch {tmp_path}/done", timeout=90)
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("on_line", [None, print], ids=["whole", "lines"])
def test_who_holds_the_output_of_one_that_was_ended_is_not_waited_for(tmp_path, on_line):
    start = time.monotonic()
    with pytest.raises(FamulusError, match="took longer") as caught:
        sh(
            f"echo said; setsid sleep 60 & echo $! > {tmp_path}/pid; wait",
            timeout=3,
            on_line=on_line,
            leaves_output=True,
        )
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert time.monotonic() - start < 30
    assert caught.value.details == "said"


@pytest.mark.parametrize("on_line", [None, print], ids=["whole", "lines"])
def test_a_daemon_of_one_that_was_ended_is_waited_for_until_it_is_ready(tmp_path, on_line):
    with pytest.raises(FamulusError, match="took longer"):
        sh(f"setsid sh -c 'sleep 6; echo > {tmp_path}/ready' & wait", timeout=3, on_line=on_line)
    assert (tmp_path / "ready").exists()


def test_lines_come_whole_and_in_order():
    heard: list[str] = []
    sh("printf 'a\\r\\nb\\303'; sleep 0.3; printf '\\244\\377\\nlast'", on_line=heard.append)
    assert heard == ["a", "b\u00e4\ufffd", "last"]


def test_a_raising_listener_ends_it(tmp_path):
    def listen(_line: str) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        sh(f"echo $$ > {tmp_path}/pid; echo x; sleep 60", on_line=listen)
    assert gone(int((tmp_path / "pid").read_text()))


def test_own_session():
    assert int(sh("cut -d' ' -f6 /proc/$$/stat").stdout) != os.getsid(0)


def test_shell_line():
    assert shell_line(["a", "b c", "d'e"]) == """a 'b c' 'd'"'"'e'"""


def test_find_program(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program("no-such-program") is None
    assert find_program("sfdisk") in ("/usr/sbin/sfdisk", "/sbin/sfdisk")


def test_cleaning_up_runs_although_the_user_has_interrupted():
    waiting.interrupt(signal.SIGINT)
    try:
        assert run(["echo", "done"], timeout=5, cleanup=True).stdout == "done\n"
        with pytest.raises(Interrupted):
            run(["echo", "done"], timeout=5)
    finally:
        waiting.forget_interrupt()
