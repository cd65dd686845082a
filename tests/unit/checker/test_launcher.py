# SPDX-License-Identifier: GPL-2.0-or-later
"""The launcher on the host, where nothing listens to its `cpuid` instructions."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from famulus.base.paths import source_folder
from famulus.checker import build
from famulus.checker.code.processes import parse_process, parse_processes, parse_script
from famulus.checker.command import launch_command, traced
from famulus.checker.launch import on_host
from famulus.checker.report.model import Frame
from tests.unit.timeouts import TIMEOUT

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def launcher():
    with tempfile.TemporaryDirectory() as folder:
        argv = build.compile_arguments(Path(folder))[1]
        subprocess.run(argv, check=True, timeout=TIMEOUT)
        yield argv[argv.index("-o") + 1]


def launch(launcher: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [launcher, str(folder), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT, check=False)


@pytest.mark.parametrize(
    ("script", "code"), [("exit 5", 5), ("kill -9 $$", 137), ("true & wait; exit 0", 0)]
)
def test_the_launcher_exits_with_the_code_of_the_program(launcher, tmp_path, script, code):
    assert launch(launcher, tmp_path, "sh", "-c", script).returncode == code


@pytest.mark.parametrize(
    ("words", "code", "outcome"),
    [
        (("sh", "-c", "exit 124"), 124, "exit 124"),
        (("sh", "-c", "kill -ABRT $$"), 134, "signal 6"),
        (("sh", "-c", "no-such-command"), 127, "exit 127"),
        (("/no/such/program",), 127, "not begun"),
        (("sleep", "1000"), 143, "time-out"),
        (("sh", "-c", "sleep 1000 & exit 0"), 0, "time-out"),
    ],
)
def test_the_outcome_says_how_the_program_ended(launcher, tmp_path, words, code, outcome):
    file = tmp_path / "outcome"
    limit = "1" if outcome == "time-out" else "1000"
    argv = [launcher, "--limit", limit, file, tmp_path, *words]
    done = subprocess.run(argv, capture_output=True, timeout=TIMEOUT, check=False)
    assert (done.returncode, file.read_text()) == (code, f"{outcome}\n")


def test_a_program_that_cannot_run_is_named_in_the_error(launcher, tmp_path):
    done = launch(launcher, tmp_path, "/no/such/program")
    assert done.returncode == 127
    assert "/no/such/program" in done.stderr


def test_each_process_leaves_its_name_and_its_memory_map(launcher, tmp_path):
    done = launch(launcher, tmp_path, "sh", "-c", "sleep 0; (exit 3); echo $$")
    process = parse_process((tmp_path / done.stdout.strip()).read_text(encoding="utf-8"))
    assert process.name == "sh"
    assert any("libc" in mapping.path for mapping in process.mapped)
    names = {parse_process(path.read_text()).name for path in tmp_path.iterdir()}
    assert names == {"sh", "sleep"}


def test_threads_are_part_of_their_process(launcher, tmp_path):
    code = "import threading as t; [x.start() for x in [t.Thread(target=int) for _ in range(9)]]"
    assert launch(launcher, tmp_path, sys.executable, "-c", code).returncode == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_threads_that_live_to_the_end_do_no_harm(launcher, tmp_path):
    code = (
        "import threading as t, time; t.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    )
    assert launch(launcher, tmp_path, sys.executable, "-c", code).returncode == 0
    (kept,) = [parse_process(path.read_text()) for path in tmp_path.iterdir()]
    assert any("libc" in mapping.path for mapping in kept.mapped)


def built(folder: Path, source: Path, *flags: str) -> str:
    program = folder / source.stem
    subprocess.run(["gcc", "-g", *flags, "-o", program, source], check=True, timeout=TIMEOUT)
    return str(program)


def test_signals_and_ptrace_mean_what_they_mean_without_the_launcher(launcher, tmp_path):
    program = built(tmp_path, HERE / "launcher_signals.c")
    (tmp_path / "processes").mkdir()
    done = launch(launcher, tmp_path / "processes", program)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 11
    assert [line for line in lines if not line.startswith("right ")] == []


LEAKS = "#include <stdlib.h>\nvoid *volatile kept;\nint main(int c, char **v)\n{\n"
LEAKS += "(void)v; kept = malloc(9); if (c > 1) kept = NULL; return 0; }\n"


@pytest.mark.parametrize(("words", "code"), [((), 0), (("leak",), 23)])
def test_leak_sanitizer_works(launcher, tmp_path, words, code):
    (tmp_path / "leaks.c").write_text(LEAKS)
    program = built(tmp_path, tmp_path / "leaks.c", "-fsanitize=leak")
    (tmp_path / "processes").mkdir()
    done = launch(launcher, tmp_path / "processes", program, *words)
    assert (done.returncode, "fatal error" in done.stderr) == (code, False)
    assert ("detected memory leaks" in done.stderr) == bool(words)
    assert len(list((tmp_path / "processes").iterdir())) == 1


def test_a_signal_to_the_launcher_reaches_the_program(launcher, tmp_path):
    code = "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done"
    argv = [launcher, str(tmp_path), "sh", "-c", code]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGUSR1)
        assert process.wait(TIMEOUT) == 9


def test_an_alarm_ends_all_processes_even_those_that_another_process_traces(launcher, tmp_path):
    code = "import ctypes, os, time; ctypes.CDLL(None).ptrace(0, 0, 0, 0); print(os.getpid(), "
    code += "flush=True); time.sleep(1000)"
    argv = [launcher, str(tmp_path), "sh", "-c", f'trap "" TERM; {sys.executable} -c "{code}"; :']
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        traced = int(process.stdout.readline())
        process.send_signal(signal.SIGALRM)
        assert process.wait(TIMEOUT) == 128 + signal.SIGKILL
    assert not Path(f"/proc/{traced}").exists()


SCRIPT = """
import os, threading
def inner(n):
    return n + 1
def outer():
    return max(inner(1), inner(2))
thread = threading.Thread(target=outer)
thread.start(); thread.join()
try:
    inner(None)
except TypeError:
    pass
if os.fork() == 0:
    os._exit(outer())
os.wait()
"""


def test_a_script_reports_its_lines(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "lines").mkdir()
    path = str(source_folder("native") / "launcher" / "python")
    env = {**os.environ, "PYTHONPATH": path, "FAMULUS_CHECK_LINES": str(tmp_path / "lines")}
    argv = [sys.executable, str(tmp_path / "script.py")]
    subprocess.run(argv, env=env, timeout=TIMEOUT, check=True)
    found = [parse_script(file.read_text()) for file in (tmp_path / "lines").iterdir()]
    assert len(found) == 2  # the process' and its child's
    wanted = {("inner", 4), ("outer", 6), ("<module>", 8), ("<module>", 10), ("<module>", 13)}
    for lines in found:
        own = [frame for frame in lines.values() if frame.file == argv[1]]
        assert {(frame.function, frame.line) for frame in own} >= wanted
        assert not any("threading" in frame.file for frame in lines.values())


def test_processes_are_parsed_with_their_scripts():
    kept = "== 7\npython3\n00400000-00500000 r-xp 00000000 08:01 9 /bin/p\n== 7.lines\n"
    (process,) = parse_processes(kept + "1\t12\t/a b.py\tC.f\n2\t3").values()
    assert process.script == {1: Frame("C.f", "/a b.py", 12)}


def test_programs_lie_at_the_same_addresses(launcher, tmp_path):
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        assert launch(launcher, tmp_path / run, "true").returncode == 0
    maps = [parse_process(next((tmp_path / run).iterdir()).read_text()) for run in ("a", "b")]
    assert maps[0].mapped[0] == maps[1].mapped[0]


def test_copied_files_have_the_names_of_the_host():
    copies = "/var/tmp/famulus-check"
    assert on_host(f"{copies}/t.c", "tests/t.c") == "tests/t.c"
    assert on_host(f"{copies}/pool.h", "/src/t.c") == "/src/pool.h"
    assert on_host(f"{copies}/other.c", "t.c") == f"{copies}/other.c"
    assert on_host("/usr/include/stdio.h", "t.c") == "/usr/include/stdio.h"


def test_a_command_runs_as_it_is_where_nothing_traces(tmp_path, monkeypatch):
    monkeypatch.setattr("famulus.checker.command.OURS", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")
    (line,) = traced(["echo", "'a  b'", "{1..3};", "[[ a == b ]] || exit 4"])
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (4, "a  b 1 2 3\n")


def test_the_launch_command_sets_the_environment_and_quotes_the_program():
    command = launch_command(["/bin/p", "a b"], 3, 60)
    assert command.startswith("sudo env FAMULUS_NODE=$(hostname | tr -dc 0-9) FAMULUS_NODES=3")
    ours = "/var/tmp/famulus-launcher"
    launched = f"{ours}/launch --limit 60 {ours}/outcome {ours}/processes /bin/p 'a b'"
    assert command.endswith(launched)
