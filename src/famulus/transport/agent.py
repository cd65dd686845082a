# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side of the agent in a node (guest/agent): give a node its identity, wait for it.

The protocol is guest/agent's: a line `famulus 1 <bytes>`, then so many bytes of directives; the
answer is one line, `ok <host name>` or `error <message>`.
"""

import secrets
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.waiting import pause
from famulus.settings.identity import Identity, gateway

_POLL = 0.2  # seconds between two checks of the interrupt flag
_MAX_ANSWER = 4096

POWER_OFF = b"poweroff\n"
POOL_ADDRESS = "0000:00:04.0"
PLUG = f"plug {POOL_ADDRESS}\n".encode()  # the node's kernel looks for the pool
AWAIT = b"await\n"  # poll for a request; the host freezes the node then
BEGAN = b"began\n"  # set the clock from the time that `began` sends
SSH_LISTENS = b"listening 22\n"
REST = SSH_LISTENS + b"sync\n"  # the last request before a node is frozen


@dataclass(frozen=True)
class GuestFile:
    """A file to write in a node, with its whole content, mode and owner (numbers)."""

    path: str
    content: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class ReadyFile:
    """A file that a node has before it is frozen, so that clones only fill the file.

    `size` is bytes. A clone whose content is shorter cuts off the rest after its answer; longer
    content costs a clone much more time.
    """

    path: str
    size: int
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


def ready_request(files: Iterable[ReadyFile]) -> bytes:
    """Return the directives that make `files`."""
    return b"".join(
        f"ready {file.mode:04o} {file.uid} {file.gid} {file.size} {file.path}\n".encode()
        for file in files
    )


def identity_request(me: Identity, machine_id: str, files: Iterable[GuestFile]) -> bytes:
    """Return the directives that give a node the identity `me`.

    The first directive seeds the kernel's random numbers, before any program draws some.
    """
    directives = [
        f"entropy {secrets.token_hex(32)}",
        f"hostname {me.name}",
        f"machine-id {machine_id}",
        f"link eth0 {me.mac} {me.address} {me.subnet.prefixlen} {gateway(me.subnet)}",
    ]
    head = "".join(f"{directive}\n" for directive in directives)
    return b"".join([head.encode(), *(_file_directive(file) for file in files)])


def time_request(now: float) -> bytes:
    """Return the directive that sets the clock to `now`, seconds since 1970."""
    return f"time {now:.6f}\n".encode()


def password_request(passwords: Mapping[str, str]) -> bytes:
    """Return the directives that set the passwords, by user."""
    return "".join(f"password {user} {word}\n" for user, word in passwords.items()).encode()


def _file_directive(file: GuestFile) -> bytes:
    data = file.content.encode()
    return (
        f"file {file.mode:04o} {file.uid} {file.gid} {len(data)} {file.path}\n".encode()
        + data
        + b"\n"
    )


def framed(directives: bytes) -> bytes:
    """Return a whole request: its first line, then the directives."""
    return f"famulus 1 {len(directives)}\n".encode() + directives


def ask(path: Path, request: bytes, timeout: float) -> str:
    """Send `request` to the agent behind the socket `path`; return the node's host name.

    A node that is still booting answers when its agent has started. Raises FamulusError when the
    agent reports an error, when the node's QEMU ends, or after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    with _failures(timeout), closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(_POLL)
        connection.connect(str(path))
        _send(connection, framed(request), deadline)
        return _answer(connection, deadline)


def began(connection: socket.socket, when: float, timeout: float) -> str:
    """Tell a clone that it began to run at `when` (seconds since 1970); return its host name.

    `connection` leads to the clone's second serial port. Raises FamulusError as `ask` does.
    """
    with _failures(timeout):
        connection.settimeout(_POLL)
        deadline = time.monotonic() + timeout
        _send(connection, f"{when:.6f}\n".encode(), deadline)
        return _answer(connection, deadline)


@contextmanager
def _failures(timeout: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise FamulusError(f"no answer from the node's agent within {timeout:g} s") from error
    except OSError as error:
        raise FamulusError(
            f"the node's agent cannot be reached: {error.strerror or error}"
        ) from error


def _answer(connection: socket.socket, deadline: float) -> str:
    answer = _receive_line(connection, deadline)
    verdict, _, rest = answer.partition(" ")
    if verdict != "ok":
        raise FamulusError(f"the node's agent failed: {rest or answer}")
    return rest


def _send(connection: socket.socket, data: bytes, deadline: float) -> None:
    view = memoryview(data)
    while view:
        _check(deadline)
        with suppress(TimeoutError):
            view = view[connection.send(view) :]


def _receive_line(connection: socket.socket, deadline: float) -> str:
    line = b""
    while not line.endswith(b"\n") and len(line) < _MAX_ANSWER:
        _check(deadline)
        with suppress(TimeoutError):
            part = connection.recv(_MAX_ANSWER)
            if not part:
                raise ConnectionResetError("the node's QEMU has ended")
            line += part
    return line.decode(errors="replace").strip()


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError
    pause(0)
