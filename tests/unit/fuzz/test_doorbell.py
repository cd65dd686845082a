# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the doorbell server that follow no protocol: they end, send, do not read."""

import array
import errno
import logging
import os
import socket
import struct
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from random import Random

import pytest

from famulus.base.errors import FamulusError
from famulus.doorbell.server import Server
from tests.unit.fuzz.fuzzing import few_or_many, fuzz

NODES, VECTORS = 4, 2
DATA = (b"\0", b"\0" * 8, struct.pack("<q", -1), b"GET / HTTP/1.0\r\n\r\n", b"x" * 70_000)


class Clients:
    """The server of one case, and everything that is connected with it."""

    def __init__(self, rng: Random, folder: Path, listeners: dict[int, socket.socket]) -> None:
        self.rng, self.folder = rng, folder
        self.listeners = {node: listener.dup() for node, listener in listeners.items()}
        self.server = Server(self._pool, VECTORS, self.listeners)
        self.connections: list[socket.socket] = []

    def _pool(self, _number: int) -> FileIO:
        if self.rng.random() < 0.02:
            raise self.rng.choice((OSError(errno.ENOENT, "gone"), FamulusError("no cache")))
        return FileIO(str(self.folder / "pool"), "r+b")

    def connect(self, node: int) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect(str(self.folder / str(node)))
        self.connections.append(connection)
        return connection

    def act(self) -> None:
        """Do something that a client can do, or let the server work."""
        if self.rng.random() < 0.3:
            self.server.step(0)
            return
        try:
            self.rng.choice(self._choices())()
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise

    def _choices(self) -> list[Callable[[], object]]:
        choices: list[Callable[[], object]] = [lambda: self.connect(self.rng.randint(1, NODES))]
        if self.connections:
            one = self.rng.choice(self.connections)
            choices += (
                lambda: one.send(self.rng.choice(DATA)),
                lambda: _send_descriptor(one),
                lambda: one.shutdown(self.rng.choice((socket.SHUT_RD, socket.SHUT_WR))),
                lambda: one.recv(self.rng.randint(1, 100)),
                lambda: self._close(one),
            )
        return choices

    def _close(self, connection: socket.socket) -> None:
        self.connections.remove(connection)
        connection.close()

    def require_service(self) -> None:
        """A client that behaves is greeted, whatever the others do."""
        self.server._peers._pool = lambda _number: FileIO(str(self.folder / "pool"), "r+b")
        node = self.rng.randint(1, NODES)
        good = self.connect(node)
        for _ in range(20):
            self.server.step(0)
        assert struct.unpack("<3q", _whole(good, 24)) == (0, node, -1)

    def close(self) -> None:
        for connection in list(self.connections):
            self._close(connection)
        for _ in range(20):
            self.server.step(0)
        for bells in self.server._peers._bells.values():
            for bell in bells:
                os.close(bell.fileno())
        self.server._selector.close()
        for listener in self.listeners.values():
            listener.close()


def _send_descriptor(connection: socket.socket) -> None:
    with Path(os.devnull).open("rb") as file:
        sent = array.array("i", [file.fileno()])
        connection.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)])


def _whole(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := connection.recv(size - len(data))):
        data += part
    return data


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def listeners(tmp_path: Path) -> dict[int, socket.socket]:
    found = {}
    for node in range(1, NODES + 1):
        found[node] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found[node].bind(str(tmp_path / str(node)))
        found[node].listen()
    (tmp_path / "pool").write_bytes(bytes(4096))
    return found


@few_or_many()
def test_clients_disturb_neither_the_server_nor_each_other(
    count: int, listeners: dict[int, socket.socket], tmp_path: Path
):
    logging.getLogger("famulus.doorbell").setLevel(logging.CRITICAL)

    def case(rng: Random) -> None:
        before = _descriptors()
        clients = Clients(rng, tmp_path, listeners)
        for _ in range(rng.randint(1, 40)):
            clients.act()
        clients.require_service()
        clients.close()
        assert _descriptors() == before

    fuzz(count, tmp_path, case)
