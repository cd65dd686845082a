# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent's files, written for real, and what it does with requests that are cut off."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.template.guest import guest_folder

OK = f"ok {socket.gethostname()}"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent with the stubs of test_agent.py, but with its own file.c in place of theirs."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    folder = tmp_path_factory.mktemp("agent-files")
    source = guest_folder() / "agent"
    gcc = ["gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", f"-I{source}"]
    stubs = str(Path(__file__).with_name("agent_stubs.c"))
    unused = "-Dapply_file=unused_apply_file"
    subprocess.run([*gcc, unused, "-c", "-o", str(folder / "stubs.o"), stubs], check=True)
    sources = [str(source / name) for name in ("main.c", "request.c", "file.c")]
    made = folder / "agent"
    subprocess.run([*gcc, "-o", str(made), *sources, str(folder / "stubs.o")], check=True)
    return made


class Agent:
    """The agent, at the other end of a socket that stands for the virtio port."""

    def __init__(self, process: subprocess.Popen[bytes], port: socket.socket) -> None:
        self.process = process
        self.port = port

    def send(self, directives: bytes) -> str:
        self.port.sendall(b"famulus 1 %d\n" % len(directives) + directives)
        with self.port.makefile("rb") as answers:
            return answers.readline().decode().strip()

    def cpu(self) -> float:
        """The seconds of CPU that it has used."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def agent(program: Path) -> Iterator[Agent]:
    port, inside = socket.socketpair()
    port.settimeout(10)
    env = {**os.environ, "AGENT_PORT": str(inside.fileno())}
    quiet = subprocess.DEVNULL
    with (
        port,
        inside,
        subprocess.Popen([program], pass_fds=[inside.fileno()], env=env, stdout=quiet) as process,
    ):
        yield Agent(process, port)
        process.kill()


def file(path: Path, data: bytes, mode: str = "0640") -> bytes:
    who = f"{os.getuid()} {os.getgid()}"
    return f"file {mode} {who} {len(data)} {path}\n".encode() + data + b"\n"


@pytest.mark.parametrize("data", [b"", b"one\n", b"\0\xff\n" * 300_000], ids=len)
def test_a_file_arrives_byte_for_byte(agent, tmp_path, data):
    path = tmp_path / "a name with spaces"
    assert agent.send(file(path, data)) == OK
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o7777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_right_is_left_alone(agent, tmp_path):
    path = tmp_path / "f"
    agent.send(file(path, b"x"))
    first = path.stat().st_ino
    agent.send(file(path, b"x"))
    assert path.stat().st_ino == first
    agent.send(file(path, b"x", "0600"))
    assert path.stat().st_mode & 0o7777 == 0o600
    agent.send(file(path, b"y", "0600"))
    assert path.read_bytes() == b"y"


def test_a_file_is_not_written_through_a_link(agent, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"keep")
    (tmp_path / "f.famulus").symlink_to(victim)
    (tmp_path / "f").symlink_to(victim)
    assert agent.send(file(tmp_path / "f", b"new")) == OK
    assert victim.read_bytes() == b"keep"
    assert not (tmp_path / "f").is_symlink()
    assert (tmp_path / "f").read_bytes() == b"new"


def test_a_file_that_cannot_be_written_says_why(agent, tmp_path):
    assert agent.send(file(tmp_path / "no/f", b"x")).endswith("no/f: No such file or directory")
    assert agent.send(b"") == OK


@pytest.mark.parametrize("numbers", ["0999 0 0 1", "644 0 x 1", "644 -1 0 1", "644 0 0 1x", "9 9"])
def test_numbers_that_are_none_are_refused(agent, tmp_path, numbers):
    path = tmp_path / "never"
    assert agent.send(f"file {numbers} {path}\na\n".encode()).endswith("Invalid argument")
    assert not path.exists()


def test_an_unfinished_request_is_forgotten_and_costs_nothing(agent, tmp_path):
    agent.port.sendall(b"famulus 1 500\n" + file(tmp_path / "f", b"x"))
    agent.port.shutdown(socket.SHUT_WR)
    before = agent.cpu()
    time.sleep(2.5)
    assert agent.process.poll() is None
    assert agent.cpu() - before < 0.5
    assert list(tmp_path.iterdir()) == []


def test_who_comes_right_after_an_unfinished_request_is_served(agent, tmp_path):
    agent.port.sendall(b"famulus 1 500\n" + file(tmp_path / "first", b"x"))
    assert agent.send(file(tmp_path / "second", b"y")) == OK
    assert list(tmp_path.iterdir()) == [tmp_path / "second"]
