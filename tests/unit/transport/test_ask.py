# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side of the agent: requests, answers, and errors."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.transport.agent import ask
from tests.unit.timeouts import TIMEOUT

MAX = 1024 * 1024
HOUR = 3600.0  # seconds


@contextmanager
def node(tmp_path: Path, serve: Callable[[socket.socket], None]) -> Iterator[Path]:
    """A socket as QEMU's, behind which `serve` plays the agent."""

    def accept() -> None:
        connection, _ = listener.accept()
        with connection:
            serve(connection)

    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield tmp_path / "s"
        thread.join(TIMEOUT)


@contextmanager
def silent(tmp_path: Path) -> Iterator[Path]:
    """A socket behind which no byte is read or sent until the block ends."""
    end = threading.Event()

    def wait(_connection: socket.socket) -> None:
        end.wait(HOUR)

    with node(tmp_path, wait) as path:
        try:
            yield path
        finally:
            end.set()


def test_ask_returns_the_host_name(tmp_path):
    got: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        got.append(connection.recv(4096))
        connection.sendall(b"ok fabric3\n")

    with node(tmp_path, serve) as path:
        assert ask(path, b"sync\n", TIMEOUT) == "fabric3"
    assert got == [b"famulus 1 5\nsync\n"]


def test_ask_takes_a_slow_answer_in_pieces(tmp_path):
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        for byte in b"ok fabric3\n":
            time.sleep(0.05)
            connection.sendall(bytes([byte]))

    with node(tmp_path, serve) as path:
        assert ask(path, b"", TIMEOUT) == "fabric3"


@pytest.mark.parametrize(
    ("answer", "brief"),
    [
        (b"error link: No such device\n", "the node's agent failed: link: No such device"),
        (b"nonsense\n", "the node's agent failed: nonsense"),
        (b"\n", "the node's agent failed: "),
        (b"", "the node's agent cannot be reached: the node's QEMU has ended"),
        (b"ok fab", "the node's agent cannot be reached: the node's QEMU has ended"),
    ],
)
def test_ask_reports_the_error_of_the_agent(tmp_path, answer, brief):
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    with node(tmp_path, serve) as path, pytest.raises(FamulusError) as caught:
        ask(path, b"", TIMEOUT)
    assert caught.value.brief == brief


@pytest.mark.parametrize("size", [0, 1 << 23], ids=["never answers", "never even reads"])
def test_ask_has_a_timeout(tmp_path, size):
    with (
        silent(tmp_path) as path,
        pytest.raises(FamulusError, match=r"no answer from the node's agent within 0\.5 s"),
    ):
        ask(path, b"x" * size, 0.5)


def test_an_endless_stream_is_no_answer(tmp_path):
    def serve(connection: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection.sendall(b"x" * 1000)

    with node(tmp_path, serve) as path, pytest.raises(FamulusError):
        ask(path, b"", 3)


def test_a_trickle_does_not_stretch_the_timeout(tmp_path):
    def serve(connection: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)

    with (
        node(tmp_path, serve) as path,
        pytest.raises(FamulusError, match=r"within 0\.5 s"),
    ):
        ask(path, b"", 0.5)


def test_a_missing_socket_is_named(tmp_path):
    with pytest.raises(FamulusError, match="cannot be reached: No such file or directory"):
        ask(tmp_path / "none", b"", 1)
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(FamulusError, match="cannot be reached: Connection refused"):
            ask(tmp_path / "s", b"", 1)


def test_an_interrupt_ends_ask(tmp_path):
    timer = threading.Timer(0.2, waiting.interrupt, [2])
    with silent(tmp_path) as path:
        timer.start()
        with pytest.raises(Interrupted):
            ask(path, b"", HOUR)
    timer.join()
