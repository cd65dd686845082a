# SPDX-License-Identifier: GPL-2.0-or-later
"""Standard input and output that are closed, full, unread, narrow, or in another encoding.

The tests run `famulus` in a process of its own, on a fabric whose nodes never ran.
"""

import fcntl
import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from famulus.base.units import MIB
from famulus.base.waiting import wait_until
from famulus.cli import streams
from famulus.pool import file
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record

TIMEOUT = 120.0
FAMULUS = f"{sys.executable} -m famulus"


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """The pool of the fabric called `fabric`; its path has more than 40 characters."""
    path = tmp_path / ("long" * 12)
    folder = FabricFolder("fabric")
    folder.path.mkdir(parents=True)
    folder.write(Record(FabricSpec(pool=64 * MIB, pool_file=path), "none"))
    file.ensure(path, 64 * MIB)
    return path


def sh(line: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of the shell, in which $F is the command `famulus`."""
    return subprocess.run(
        ["bash", "-c", line],
        env={**os.environ, "F": FAMULUS, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize("verb", ["--help", "list --json", "pool read --raw"])
@pytest.mark.parametrize(
    ("place", "reason"),
    [("> /dev/full", b"No space left on device"), (">&-", b"Bad file descriptor")],
)
def test_output_that_cannot_be_written_is_one_line(verb, place, reason):
    done = sh(f"$F {verb} {place}")
    assert done.stderr == b"error: cannot write to standard output: " + reason + b"\n"
    assert done.returncode == 1


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize("verb", ["pool clear", "pool write 0 --file -"])
def test_closed_input_is_one_line(verb):
    done = sh(f"$F {verb} <&-")
    last = done.stderr.splitlines()[-1]
    assert last.endswith(b"error: cannot read standard input: Bad file descriptor")
    assert done.returncode == 1


def test_an_error_without_a_place_to_show_has_its_exit_code():
    done = sh("$F status 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    assert sh("$F status 2> /dev/full").returncode == 1


@pytest.mark.usefixtures("pool")
def test_a_reader_that_leaves_ends_the_command_silently():
    done = sh("$F pool read --raw 0 64M | head -c 1; echo ${PIPESTATUS[0]}")
    assert (done.stdout, done.stderr) == (b"\x001\n", b"")


@pytest.mark.usefixtures("pool")
def test_an_interrupt_ends_a_write_that_nobody_reads():
    argv = [*FAMULUS.split(), "pool", "read", "--raw", "0", "64M"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        wait_until("a full pipe", lambda: waiting_bytes(process) >= 60_000, timeout=TIMEOUT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 128 + signal.SIGTERM
        assert process.stderr
        assert process.stderr.read() == b"interrupted\n"


def waiting_bytes(process: subprocess.Popen[bytes]) -> int:
    """Return the number of bytes in the pipe from `process`."""
    assert process.stdout
    answer = fcntl.ioctl(process.stdout, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(answer, sys.byteorder)


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
    ],
    ids=str,
)
def test_an_encoding_that_lacks_characters_ends_no_verb(env, pool):
    doctor = sh("$F doctor", **env)
    assert b"Traceback" not in doctor.stderr
    assert b"qemu-img" in doctor.stdout
    assert b"Traceback" not in sh("$F exec nowhere -- x", **env).stderr
    assert sh("$F pool write 0 'é✓'", **env).returncode == 0
    assert pool.read_bytes()[:5] == "é✓".encode()
    assert "✓".encode() not in doctor.stdout


@pytest.mark.parametrize("columns", ["0", "40", "-1", "x"])
def test_nothing_is_cut_into_a_pipe(columns, pool):
    done = sh("$F list", COLUMNS=columns)
    assert os.fsencode(pool) in done.stdout
    assert b"mulus [OPTIONS]" in sh("$F --help", COLUMNS=columns).stdout


def test_characters_have_substitutes_and_bytes_of_names_stay(monkeypatch):
    monkeypatch.setattr("sys.stdin", sys.stdin)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    streams.prepare()
    assert "a\udcffé✓".encode("latin-1", "famulus") == b"a\xff\xe9\\u2713"
    assert "\U0001f600".encode("ascii", "famulus") == b"\\U0001f600"
    assert "\udcff".encode("utf-8", "famulus") == b"\xff"
