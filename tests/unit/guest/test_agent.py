# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent: main.c and the request parser of guest/agent with stubs for the node, and `ask`."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from famulus.settings.identity import Identity
from famulus.template.guest import guest_folder
from famulus.transport.agent import (
    POWER_OFF,
    SSH_LISTENS,
    GuestFile,
    ReadyFile,
    ask,
    identity_request,
    password_request,
    ready_request,
    time_request,
)
from tests.unit.timeouts import TIMEOUT

HERE = Path(__file__).parent
ME = Identity(3, IPv4Network("192.168.42.0/24"))
OK = f"ok {socket.gethostname()}\n".encode()
WRONG_HEADER = b"error not a request of protocol 1\n"
MAX = 1024 * 1024


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    made = tmp_path_factory.mktemp("agent") / "agent"
    source = guest_folder() / "agent"
    own = ("main.c", "request.c", "request_header.c")
    sources = [*(source / name for name in own), HERE / "agent_stubs.c"]
    options = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", f"-I{source}"]
    subprocess.run(["gcc", *options, "-o", made, *sources], check=True)
    return made


class Agent:
    """The agent, at the other end of a socket that replaces the virtio port."""

    def __init__(self, process: subprocess.Popen[str], port: socket.socket) -> None:
        self.process = process
        self.port = port

    def send(self, data: bytes) -> bytes:
        """Send `data` and return the next line of the answer."""
        self.port.sendall(data)
        return self.line()

    def line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            part = self.port.recv(1)
            assert part, "the agent has ended"
            line += part
        return line

    def request(self, directives: bytes) -> bytes:
        return self.send(f"famulus 1 {len(directives)}\n".encode() + directives)

    def did(self) -> list[str]:
        """End the agent and return the lines that the stubs printed."""
        self.process.kill()
        return self.process.communicate()[0].splitlines()[1:]


@contextmanager
def running(program: Path, port: socket.socket, inside: socket.socket) -> Iterator[Agent]:
    with subprocess.Popen(
        [program],
        pass_fds=[inside.fileno()],
        env={
            **os.environ,
            "AGENT_PORT": str(inside.fileno()),
            "AGENT_CLONE": "hostname clone\nbegan\n",
        },
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Agent(process, port)
        finally:
            process.kill()


@pytest.fixture
def agent(program: Path) -> Iterator[Agent]:
    port, inside = socket.socketpair()
    port.settimeout(60)
    with port, inside, running(program, port, inside) as made:
        yield made


def test_a_request_without_directives_returns_the_host_name(agent):
    assert agent.request(b"") == OK
    assert agent.did() == []  # and not even `ready`: the node has no identity yet


def test_an_identity_is_carried_out_in_order(agent):
    files = [GuestFile("/etc/hosts", "a\nb\n"), GuestFile("/root/k", "", mode=0o600, uid=1, gid=2)]
    assert agent.request(identity_request(ME, "0" * 32, files) + SSH_LISTENS) == OK
    assert agent.did() == [
        "entropy of 32",
        "hostname fabric3",
        f"machine-id {'0' * 32}",
        "link eth0 52:54:48:50:45:03 192.168.42.3 24 192.168.42.254",
        "save eth0",
        "file 644 0 0 /etc/hosts 610a620a",
        "file 600 1 2 /root/k ",
        "listening 22",
        "ready",
    ]


def test_ready_is_reported_once(agent):
    for _ in range(3):
        assert agent.request(b"hostname a\n") == OK
    assert agent.did() == ["hostname a", "ready", "hostname a", "hostname a"]


def test_time_sync_and_poweroff_are_carried_out(agent):
    assert agent.request(time_request(1700000000.000001) + b"sync\n" + POWER_OFF) == OK
    assert agent.did() == ["time 1700000000.000001", "sync", "poweroff", "ready"]


def test_a_clone_runs_its_request_and_finishes_before_the_next(agent):
    assert agent.request(ready_request([ReadyFile("/f", 9)]) + b"await\n") == OK
    assert agent.request(b"hostname a\n") == OK
    assert agent.did() == [
        "ready 644 0 0 /f of 9",
        "await",
        "ready",
        "hostname clone",
        "began",
        f"clone: {OK.decode().strip()}",
        "trim",  # before the next directive, or after LEISURE_MS (15 seconds)
        "done",
        "hostname a",
    ]


def test_passwords_keep_their_spaces(agent):
    assert agent.request(password_request({"root": "two words  and: more ", "fabric": "x"})) == OK
    assert agent.did() == [
        "password of root: two words  and: more ",
        "password of fabric: x",
        "ready",
    ]


def test_a_file_may_contain_any_bytes(agent):
    data = b"\0\n\xff famulus 1 0\nhostname x\n"
    request = b"file 0644 0 0 %d /f\n%s\nhostname y\n" % (len(data), data)
    assert agent.request(request) == OK
    assert agent.did() == [f"file 644 0 0 /f {data.hex()}", "hostname y", "ready"]


@pytest.mark.parametrize(
    "directives",
    [
        b"dance\n",
        b"\n",
        b"hostname\n",
        b"hostname a b\n",
        b"HOSTNAME a\n",
        b"sync now\n",
        b"\0\0\0\n",
        b"link eth0 52:54:48:50:45:03 192.168.42.3 24\n",
        b"file 0644 0 0 5 /f\n1234\n",
        b"file 0644 0 0 3 /f\n1234\n",
        b"file 0644 0 0 4 /f\n1234",
        b"file 0644 0 0 99999999999999999999 /f\n1234\n",
        b"file 0644 0 0 -1 /f\n1234\n",
        b"file 0644 0 0 4 relative\n1234\n",
        b"x" * 5000 + b"\n",
    ],
)
def test_an_invalid_directive_is_refused_and_named(agent, directives):
    line = directives.partition(b"\n")[0].partition(b"\0")[0][:200]
    assert agent.request(directives) == b"error " + line + b": Invalid argument\n"
    assert agent.request(b"") == OK
    assert agent.did() == []


def test_an_unfinished_line_is_refused(agent):
    assert agent.request(b"hostname a") == b"error unfinished line: Invalid argument\n"
    assert agent.did() == []


def test_a_failed_directive_ends_the_request_with_its_reason(agent):
    answer = agent.request(b"hostname a\nhostname refused\nhostname b\n")
    assert answer == b"error hostname refused: Operation not permitted\n"
    assert agent.did() == ["hostname a"]


@pytest.mark.parametrize(
    "header",
    [
        b"\n",
        b"GET / HTTP/1.1\n",
        b"famulus 2 0\n",
        b"famulus 1\n",
        b"famulus 1 many\n",
        b"famulus 1 -1\n",
        b"famulus 1 %d\n" % (MAX + 1),
        b"\0\xff\n",
    ],
)
def test_an_invalid_header_is_refused(agent, header):
    assert agent.send(header) == WRONG_HEADER
    assert agent.request(b"hostname a\n") == OK
    assert agent.did() == ["hostname a", "ready"]


def test_garbage_without_an_end_is_forgotten(agent):
    for _ in range(100):
        agent.port.sendall(b"x" * 1000)
    time.sleep(0.2)
    assert agent.send(b"\n") == WRONG_HEADER
    assert agent.request(b"") == OK


def test_a_request_in_pieces_is_served(agent):
    request = b"famulus 1 11\nhostname a\n"
    for byte in request:
        agent.port.sendall(bytes([byte]))
        time.sleep(0.002)
    assert agent.line() == OK
    assert agent.did() == ["hostname a", "ready"]


def test_several_requests_at_once_are_served_in_order(agent):
    agent.port.sendall(b"famulus 1 0\n" * 3 + b"famulus 1 11\nhostname a\nfamulus 1 0\n")
    assert [agent.line() for _ in range(5)] == [OK] * 5
    assert agent.did() == ["hostname a", "ready"]


def test_the_largest_request_is_served(agent):
    line = b"file 0600 0 0 %07d /f\n"
    length = MAX - len(line % 0) - 1
    assert agent.request(line % length + b"x" * length + b"\n") == OK
    assert agent.did() == [f"file 600 0 0 /f {length} bytes", "ready"]


def test_without_the_port_the_agent_reports_ready_and_ends(program):
    env = {key: value for key, value in os.environ.items() if key != "AGENT_PORT"}
    done = subprocess.run([program], env=env, stdout=subprocess.PIPE, timeout=TIMEOUT, check=True)
    assert done.stdout == b"port org.famulus.agent.0\nready\n"


def test_ask_reaches_the_agent(program, tmp_path):
    """`ask` and the agent, with a plain socket instead of QEMU and the virtio port."""
    content = "".join(f"line {n} ä\n" for n in range(5000))
    request = identity_request(ME, "a" * 32, [GuestFile("/etc/x", content)]) + SSH_LISTENS
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        names: list[str] = []
        thread = threading.Thread(
            target=lambda: names.append(ask(tmp_path / "s", request, TIMEOUT))
        )
        thread.start()
        inside, _ = listener.accept()
        with inside, running(program, inside, inside) as agent:
            thread.join(TIMEOUT)
            did = agent.did()
    assert names == [socket.gethostname()]
    assert did[-3:-1] == [f"file 644 0 0 /etc/x {len(content.encode())} bytes", "listening 22"]
