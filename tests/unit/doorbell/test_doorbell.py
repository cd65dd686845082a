# SPDX-License-Identifier: GPL-2.0-or-later
"""The doorbell server against clients that read as QEMU does, message by message."""

import array
import os
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from famulus.base.errors import FamulusError
from famulus.base.waiting import wait_until
from famulus.doorbell.outbox import Outbox
from famulus.doorbell.protocol import Message
from famulus.doorbell.server import Server
from famulus.doorbell.service import Doorbell, server_arguments
from tests.unit.timeouts import TIMEOUT

VECTORS = 2
NODES = 64


class Client:
    """Node `number`'s QEMU, as far as the server can tell."""

    def __init__(self, path: Path) -> None:
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connection.connect(str(path))
        self.connection.settimeout(60)

    def message(self) -> tuple[int, int | None]:
        """Return the value and, if there came one, the descriptor of the next message."""
        space = socket.CMSG_SPACE(array.array("i").itemsize)
        data, control, _, _ = self.connection.recvmsg(8, space)
        assert len(data) == 8
        fds = array.array("i")
        for _, _, raw in control:
            fds.frombytes(raw)
        return struct.unpack("<q", data)[0], fds[0] if fds else None

    def values(self, count: int) -> list[int]:
        """Return the values of the next messages; their descriptors are closed."""
        found = [self.message() for _ in range(count)]
        for _, fd in found:
            if fd is not None:
                os.close(fd)
        return [value for value, _ in found]

    def silent(self) -> bool:
        self.connection.setblocking(False)
        try:
            return not self.connection.recv(8)
        except BlockingIOError:
            return True
        finally:
            self.connection.settimeout(60)

    def ended(self) -> bool:
        return self.connection.recv(8) == b""


class Bench:
    """A server that works when it is told to, in the test's own thread."""

    def __init__(self, folder: Path, pool: IO[bytes]) -> None:
        self.folder = folder
        listeners = {number: self._listen(number) for number in range(1, NODES + 1)}
        self.server = Server(lambda _number: pool, VECTORS, listeners)

    def _listen(self, number: int) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.folder / str(number)))
        listener.listen()
        return listener

    def close(self) -> None:
        for key in list(self.server._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self.server._selector.close()

    def client(self, number: int) -> Client:
        client = Client(self.folder / str(number))
        self.server.step(1)
        return client


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[IO[bytes]]:
    path = tmp_path / "pool"
    path.write_bytes(b"the pool" + bytes(4088))
    with path.open("r+b", buffering=0) as file:
        yield file


@pytest.fixture
def bench(tmp_path: Path, pool: IO[bytes]) -> Iterator[Bench]:
    made = Bench(tmp_path, pool)
    yield made
    made.close()


def greeting() -> int:
    """How many messages a client gets that is alone."""
    return 3 + VECTORS


def test_the_first_client_gets_version_id_pool_and_its_own_vectors(bench: Bench) -> None:
    client = bench.client(7)
    messages = [client.message() for _ in range(5)]
    assert [value for value, _ in messages] == [0, 7, -1, 7, 7]
    assert [fd is not None for _, fd in messages] == [False, False, True, True, True]
    memory = messages[2][1]
    assert memory is not None
    assert os.pread(memory, 8, 0) == b"the pool"
    os.pwrite(memory, b"written", 0)
    assert client.silent()


def test_two_clients_get_the_vectors_of_each_other(bench: Bench) -> None:
    first = bench.client(1)
    first.values(greeting())
    second = bench.client(2)
    assert second.values(7) == [0, 2, -1, 1, 1, 2, 2]
    assert first.values(2) == [2, 2]
    assert first.silent()
    assert second.silent()


def test_a_ring_reaches_the_peer_on_its_vector(bench: Bench) -> None:
    first, second = bench.client(1), bench.client(2)
    own = [fd for _, fd in [first.message() for _ in range(5)][3:]]
    others = [fd for _, fd in [second.message() for _ in range(7)][3:5]]
    assert None not in own + others
    os.eventfd_write(others[1] or -1, 3)
    assert os.eventfd_read(own[1] or -1) == 3
    with pytest.raises(BlockingIOError):
        os.eventfd_read(own[0] or -1)


def test_a_client_that_comes_back_has_its_old_eventfds(bench: Bench) -> None:
    """Nobody is told that a peer has gone: QEMU 10.0.2 dies when it then comes back."""
    first, second = bench.client(1), bench.client(2)
    known = [first.message() for _ in range(greeting() + 2)][-1][1]
    second.connection.close()
    bench.server.step(1)
    again = bench.client(2)
    messages = [again.message() for _ in range(7)]
    assert [value for value, _ in messages] == [0, 2, -1, 1, 1, 2, 2]
    assert first.silent()
    os.eventfd_write(known or -1, 1)
    assert os.eventfd_read(messages[-1][1] or -1) == 1


def test_a_client_that_comes_back_and_new_clients_get_the_vectors_of_each_other(
    bench: Bench,
) -> None:
    bench.client(1).connection.close()
    bench.server.step(1)
    second = bench.client(2)
    assert second.values(greeting()) == [0, 2, -1, 2, 2]
    again = bench.client(1)
    assert again.values(7) == [0, 1, -1, 2, 2, 1, 1]
    assert second.values(2) == [1, 1]


def test_a_second_client_of_a_node_replaces_the_first(bench: Bench) -> None:
    other, old = bench.client(1), bench.client(2)
    other.values(greeting() + 2)
    new = bench.client(2)
    assert new.values(7) == [0, 2, -1, 1, 1, 2, 2]
    assert other.silent()
    old.values(7)
    assert old.ended()


@pytest.mark.parametrize("garbage", [b"\0", b"GET / HTTP/1.0\r\n\r\n", b"x" * 4096])
def test_a_client_that_sends_data_is_dropped_and_others_go_on(bench: Bench, garbage: bytes) -> None:
    good, bad = bench.client(1), bench.client(2)
    good.values(greeting() + 2)
    bad.connection.sendall(garbage)
    bench.server.step(1)
    assert 2 not in bench.server._peers
    assert good.silent()
    assert bench.client(3).values(7) == [0, 3, -1, 1, 1, 3, 3]


def test_a_client_that_ends_at_once_is_dropped(bench: Bench) -> None:
    good = bench.client(1)
    good.values(greeting())
    hasty = Client(bench.folder / "2")
    hasty.connection.close()
    for _ in range(3):
        bench.server.step(0.1)
    assert 2 not in bench.server._peers
    assert good.values(2) == [2, 2]
    assert good.silent()


def test_a_client_that_ends_while_another_connects_disturbs_nobody(bench: Bench) -> None:
    """The server learns of both at once, and of the end by its message to the ended client."""
    gone = bench.client(3)
    new = Client(bench.folder / "2")
    gone.connection.close()
    bench.server.step(1)
    assert 3 not in bench.server._peers
    assert new.values(7) == [0, 2, -1, 3, 3, 2, 2]


def test_64_clients_have_the_vectors_of_each_other(bench: Bench) -> None:
    """Messages that a client does not take wait, and are sent later in the same order."""
    clients = [bench.client(number) for number in range(1, NODES + 1)]
    for number, client in enumerate(clients, 1):
        left = 3 + NODES * VECTORS
        seen: list[int] = []
        while len(seen) < left:
            seen += client.values(min(8, left - len(seen)))
            bench.server.step(0)
        before = [peer for peer in range(1, number) for _ in range(VECTORS)]
        after = [peer for peer in range(number + 1, NODES + 1) for _ in range(VECTORS)]
        assert seen == [0, number, -1, *before, *[number] * VECTORS, *after]


def test_a_client_that_reads_nothing_is_dropped(pool: IO[bytes]) -> None:
    ours, theirs = socket.socketpair()
    outbox = Outbox(ours)
    with pytest.raises(OSError, match="reads no messages"):  # noqa: PT012 - after some hundred
        for _ in range(10_000):
            outbox.put(Message(1, 5, pool))
            outbox.flush()
    theirs.close()
    with pytest.raises(BrokenPipeError):
        outbox.flush()
    ours.close()


def test_clients_that_come_and_go_leave_no_descriptor(bench: Bench) -> None:
    bench.client(1).connection.close()
    bench.server.step(1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        bench.client(1).connection.close()
        bench.server.step(1)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before  # other tests' may be collected


def test_the_rest_of_a_message_is_sent_without_its_descriptor(pool: IO[bytes]) -> None:
    ours, theirs = socket.socketpair()
    sent: list[tuple[bytes, int]] = []

    class Slow:
        def setblocking(self, flag: bool) -> None:
            ours.setblocking(flag)

        def sendmsg(self, parts: list[bytes], control: list[object]) -> int:
            sent.append((parts[0], len(control)))
            return min(3, len(parts[0]))

    outbox = Outbox(Slow())  # type: ignore[arg-type]
    outbox.put(Message(1, 5, pool))
    assert outbox.flush()
    whole = struct.pack("<q", 5)
    assert sent == [(whole, 1), (whole[3:], 0), (whole[6:], 0)]
    theirs.close()
    ours.close()


def test_server_arguments(tmp_path: Path) -> None:
    assert server_arguments(tmp_path, Path("/dev/shm/p"), Path("/proc/1/fd/2"), 4, 64) == [
        *(sys.executable, "-P", "-m", "famulus.doorbell"),
        *(str(tmp_path), "/dev/shm/p", "/proc/1/fd/2", "4", "64"),
    ]


def test_the_server_process_is_found_serves_and_is_stopped(tmp_path: Path, pool: IO[bytes]) -> None:
    doorbell = Doorbell(tmp_path / "bell")
    assert not doorbell.running()
    doorbell.start(Path(pool.name), Path(pool.name), VECTORS, 2)
    try:
        assert Doorbell(tmp_path / "bell").running()
        client = Client(doorbell.socket(2))
        assert client.values(5) == [0, 2, -1, 2, 2]
        doorbell.daemon.send(signal.SIGKILL)
        wait_until("its end", lambda: not doorbell.running(), timeout=TIMEOUT)
        assert client.ended()
        # Over the files that the killed server left.
        doorbell.start(Path(pool.name), Path(pool.name), VECTORS, 2)
        assert Client(doorbell.socket(1)).values(5) == [0, 1, -1, 1, 1]
        assert "node 1 has come" in (tmp_path / "bell/log").read_text(encoding="utf-8")
    finally:
        doorbell.stop()
    assert not doorbell.running()
    assert not doorbell.folder.exists()


def test_the_server_hands_out_a_pool_whose_name_is_gone(tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    pool.write_bytes(b"precious")
    doorbell = Doorbell(tmp_path / "bell")
    doorbell.start(pool, pool, VECTORS, 2)
    try:
        pool.unlink()
        client = Client(doorbell.socket(1))
        descriptors = [client.message()[1] for _ in range(3)]
        assert descriptors[2]
        assert os.pread(descriptors[2], 8, 0) == b"precious"
        os.close(descriptors[2])
    finally:
        doorbell.stop()


def test_a_server_without_a_pool_does_not_start(tmp_path: Path) -> None:
    doorbell = Doorbell(tmp_path / "bell")
    with pytest.raises(FamulusError, match="failed"):
        doorbell.start(tmp_path / "nothing", tmp_path / "nothing", VECTORS, 2)
    assert not doorbell.running()
