# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of guest/examples on the host: processes represent nodes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from famulus.template.guest import guest_folder
from tests.unit.guest import lib

EXAMPLES = guest_folder() / "examples"
PROGRAMS = ("shared_counter", "ping_pong", "fabric_queue", "parallel_sum")


@pytest.fixture(scope="session")
def programs(tmp_path_factory, lib_objects):
    folder = tmp_path_factory.mktemp("examples")
    for name in PROGRAMS:
        lib.gcc("-O2", "-o", folder / name, EXAMPLES / f"{name}.c", *lib_objects)
    return folder


@pytest.fixture
def start(programs, shared_pool):
    """Return a function that starts an example, C or kv.py, as node `node`."""
    shared_pool.write_bytes(bytes(4 << 20))

    def start(node: int, name: str, *words: str) -> subprocess.Popen[str]:
        python = str(lib.LIB / "python")
        program = [sys.executable, str(EXAMPLES / name)]
        if name != "kv.py":
            program = [str(programs / name)]
        env = {**os.environ, "FAMULUS_NODE": str(node), "PYTHONPATH": python}
        pipe = subprocess.PIPE
        return subprocess.Popen([*program, *words], env=env, stdout=pipe, stderr=pipe, text=True)

    return start


def output(process: subprocess.Popen[str]) -> str:
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out


def test_the_readme_names_each_example():
    text = (EXAMPLES / "README").read_text(encoding="utf-8")
    for path in [*EXAMPLES.glob("*.c"), *EXAMPLES.glob("*.py")]:
        assert path.name.removesuffix(".c") in text


def test_without_a_pool_each_prints_one_line(programs, monkeypatch):
    monkeypatch.setenv("FAMULUS_POOL", "/none")
    for name in PROGRAMS:
        done = subprocess.run([programs / name], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, f"{name}: No such file or directory\n")


def test_shared_counter_loses_no_addition(start):
    running = [start(node, "shared_counter", "20000") for node in (1, 2, 3)]
    texts = [output(process) for process in running]
    assert "the counter is 60000\n" in "".join(texts)


def test_ping_pong_plays_all_rounds(start):
    pong, ping = start(1, "ping_pong", "pong", "200"), start(2, "ping_pong", "ping", "200")
    assert "200 rounds" in output(ping)
    assert "by polling" in output(pong)


def test_fabric_queue_loses_no_message(start):
    producers = [start(node, "fabric_queue", "produce", "500") for node in (1, 2)]
    text = output(start(3, "fabric_queue", "consume", "1000"))
    assert text == "node 3 consumed 500 of node 1\nnode 3 consumed 500 of node 2\n"
    for producer in producers:
        output(producer)


@pytest.mark.parametrize("runs", [1, 2])
def test_parallel_sum_is_right_in_each_run(start, runs):
    for _ in range(runs):
        running = [start(node, "parallel_sum", "3", "10000") for node in (1, 2, 3)]
        for process in running:
            assert "the sum of 1 to 10000 is 50005000\n" in output(process)


def test_kv_puts_gets_lists_and_deletes(start):
    output(start(1, "kv.py", "put", "colour", "red"))
    output(start(2, "kv.py", "put", "size", "9"))
    assert output(start(3, "kv.py", "list")) == "colour=red\nsize=9\n"
    output(start(3, "kv.py", "del", "size"))
    assert output(start(1, "kv.py", "get", "colour")) == "red\n"


@pytest.mark.usefixtures("short_silence")
def test_kv_keeps_the_old_value_after_a_death_during_put(start, shared_pool: Path):
    output(start(1, "kv.py", "put", "a", "old"))
    dying = start(2, "kv.py", "put", "a", "new", "60")
    while shared_pool.read_bytes().count(b'"new"') == 0:
        assert dying.poll() is None, dying.communicate()
        time.sleep(0.05)
    assert output(start(1, "kv.py", "get", "a")) == "old\n"
    dying.send_signal(signal.SIGKILL)
    dying.communicate()
    output(start(3, "kv.py", "put", "b", "1"))
    assert output(start(1, "kv.py", "list")) == "a=old\nb=1\n"
