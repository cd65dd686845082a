# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent writes real files, and drops requests that are cut off."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from famulus.template.guest import guest_folder

OK = f"ok {socket.gethostname()}"


LEISURE_MS = 300  # of `hasty`, in place of 15 seconds
STALL_MS = 300  # of `hasty`, in place of 2 seconds


def build(folder: Path, *flags: str) -> Path:
    """Compile the agent with the stubs of test_agent.py, but with its own units for files."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    source = guest_folder() / "agent"
    gcc = ["gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", f"-I{source}", *flags]
    stubs = str(Path(__file__).with_name("agent_stubs.c"))
    replaced = ("apply_file", "ready_make", "ready_fill", "ready_trim")
    unused = [f"-D{name}=unused_{name}" for name in replaced]
    subprocess.run([*gcc, *unused, "-c", "-o", str(folder / "stubs.o"), stubs], check=True)
    names = ("main.c", "request.c", "request_header.c", "file.c", "ready_file.c")
    sources = [str(source / name) for name in names]
    made = folder / "agent"
    subprocess.run([*gcc, "-o", str(made), *sources, str(folder / "stubs.o")], check=True)
    return made


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("agent-files"))


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent with short times: until it drops a request, and until it trims by itself."""
    times = (f"-DLEISURE_MS={LEISURE_MS}", f"-DSTALL_MS={STALL_MS}")
    return build(tmp_path_factory.mktemp("agent-hasty"), *times)


class Agent:
    """The agent, at the other end of a socket that replaces the virtio port."""

    def __init__(self, process: subprocess.Popen[bytes], port: socket.socket) -> None:
        self.process = process
        self.port = port

    def send(self, directives: bytes) -> str:
        self.port.sendall(b"famulus 1 %d\n" % len(directives) + directives)
        with self.port.makefile("rb") as answers:
            return answers.readline().decode().strip()

    def cpu(self) -> float:
        """Return the seconds of CPU that the agent has used."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(program: Path, tmp_path: Path) -> Iterator[Agent]:
    port, inside = socket.socketpair()
    port.settimeout(60)
    clone = file(tmp_path / "short", b"own\n") + file(tmp_path / "long", b"x" * 50_000)
    env = {**os.environ, "AGENT_PORT": str(inside.fileno()), "AGENT_CLONE": clone.decode()}
    quiet = subprocess.DEVNULL
    with (
        port,
        inside,
        subprocess.Popen([program], pass_fds=[inside.fileno()], env=env, stdout=quiet) as process,
    ):
        yield Agent(process, port)
        process.kill()


@pytest.fixture
def agent(program: Path, tmp_path: Path) -> Iterator[Agent]:
    with running(program, tmp_path) as made:
        yield made


def file(path: Path, data: bytes, mode: str = "0640") -> bytes:
    owner = f"{os.getuid()} {os.getgid()}"
    return f"file {mode} {owner} {len(data)} {path}\n".encode() + data + b"\n"


@pytest.mark.parametrize("data", [b"", b"one\n", b"\0\xff\n" * 300_000], ids=len)
def test_a_file_arrives_byte_for_byte(agent, tmp_path, data):
    path = tmp_path / "a name with spaces"
    assert agent.send(file(path, data)) == OK
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o7777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_an_equal_file_is_not_written_again(agent, tmp_path):
    path = tmp_path / "f"
    agent.send(file(path, b"x"))
    first = path.stat().st_ino
    agent.send(file(path, b"x"))
    assert path.stat().st_ino == first
    agent.send(file(path, b"x", "0600"))
    assert path.stat().st_mode & 0o7777 == 0o600
    agent.send(file(path, b"y", "0600"))
    assert path.read_bytes() == b"y"


def test_a_file_is_not_written_through_a_symbolic_link(agent, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"keep")
    (tmp_path / "f.famulus").symlink_to(victim)
    (tmp_path / "f").symlink_to(victim)
    assert agent.send(file(tmp_path / "f", b"new")) == OK
    assert victim.read_bytes() == b"keep"
    assert not (tmp_path / "f").is_symlink()
    assert (tmp_path / "f").read_bytes() == b"new"


def test_a_file_that_cannot_be_written_is_reported_with_the_reason(agent, tmp_path):
    assert agent.send(file(tmp_path / "no/f", b"x")).endswith("no/f: No such file or directory")
    assert agent.send(b"") == OK


@pytest.mark.parametrize("numbers", ["0999 0 0 1", "644 0 x 1", "644 -1 0 1", "644 0 0 1x", "9 9"])
def test_invalid_numbers_are_refused(agent, tmp_path, numbers):
    path = tmp_path / "never"
    assert agent.send(f"file {numbers} {path}\na\n".encode()).endswith("Invalid argument")
    assert not path.exists()


def test_an_unfinished_request_is_dropped_and_uses_no_cpu(hasty, tmp_path):
    with running(hasty, tmp_path) as agent:
        agent.port.sendall(b"famulus 1 500\n" + file(tmp_path / "f", b"x"))
        agent.port.shutdown(socket.SHUT_WR)
        before = agent.cpu()
        time.sleep(1)
        assert agent.process.poll() is None
        assert agent.cpu() - before < 0.2
        assert list(tmp_path.iterdir()) == []


def test_a_request_right_after_an_unfinished_one_is_served(hasty, tmp_path):
    with running(hasty, tmp_path) as agent:
        agent.port.sendall(b"famulus 1 500\n" + file(tmp_path / "first", b"x"))
        assert agent.send(file(tmp_path / "second", b"y")) == OK
    assert list(tmp_path.iterdir()) == [tmp_path / "second"]


def ready(path: Path, size: int, mode: str = "0640") -> bytes:
    return f"ready {mode} {os.getuid()} {os.getgid()} {size} {path}\n".encode()


def test_a_clone_fills_ready_files_and_trims_them_at_the_next_request(agent, tmp_path):
    short, long, unused = tmp_path / "short", tmp_path / "long", tmp_path / "unused"
    made = ready(short, 9000) + ready(long, 40_000) + ready(unused, 33)
    assert agent.send(made) == OK
    first = short.stat().st_ino
    assert short.read_bytes() == b"\n" * 9000
    assert agent.send(b"await\n") == OK
    wait_for(long, b"x" * 50_000)  # too long for its ready file: written as any file
    assert short.read_bytes() == b"own\n" + b"\n" * 8996
    assert agent.send(file(short, b"other\n")) == OK
    assert short.read_bytes() == b"other\n"
    assert long.read_bytes() == b"x" * 50_000
    assert unused.read_bytes() == b""
    assert short.stat().st_ino != first


def test_a_clone_without_a_next_request_trims_by_itself(hasty, tmp_path):
    short = tmp_path / "short"
    with running(hasty, tmp_path) as agent:
        assert agent.send(ready(short, 64) + b"await\n") == OK
        wait_for(short, b"own\n", (b"\n" * 64, b"own\n" + b"\n" * 60))
    assert short.stat().st_mode & 0o7777 == 0o640


@pytest.mark.parametrize("size", [0, 65537])
def test_a_ready_file_of_an_invalid_size_is_refused(agent, tmp_path, size):
    assert agent.send(ready(tmp_path / "f", size)).endswith("Invalid argument")
    assert list(tmp_path.iterdir()) == []


def wait_for(
    path: Path, content: bytes, before: tuple[bytes, ...] | None = None, timeout: float = 60
) -> None:
    """Wait until `path` has `content`; until then it may have no other contents than `before`."""
    end = time.monotonic() + timeout
    while (found := path.read_bytes()) != content and time.monotonic() < end:
        assert before is None or found in before
        time.sleep(0.01)
    assert path.read_bytes() == content
