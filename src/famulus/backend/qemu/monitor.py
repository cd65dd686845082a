# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's monitor: one connection for each call, so that any process can call at any time.

The protocol is QMP (QEMU's docs/interop/qmp-spec.rst): one JSON object on each line, in both
directions. This client, which sends and waits, takes a fifth of the CPU time of the asynchronous
client qemu.qmp.
"""

import json
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from famulus.base.errors import FamulusError

TIMEOUT = 5.0  # seconds; a healthy monitor answers within milliseconds
DISK_TIMEOUT = 30.0  # for commands that first flush disks, behind all other writes of the host


class MonitorError(FamulusError):
    """The monitor refused a command or did not answer."""


@dataclass(frozen=True)
class Command:
    """A QMP command and its arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


# QEMU neither writes memory that lies in a file to the state of a machine nor reads it from there.
IGNORE_SHARED = Command(
    "migrate-set-capabilities",
    {"capabilities": [{"capability": "x-ignore-shared", "state": True}]},
)


def execute(
    path: Path,
    command: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    timeout: float = TIMEOUT,
) -> Any:  # noqa: ANN401
    """Execute a QMP command on the monitor at the socket `path` and return its result.

    Raises MonitorError if QEMU does not answer within `timeout` seconds or refuses the command.
    """
    return execute_all(path, [Command(command, arguments or {})], timeout=timeout)[0]


def execute_all(
    path: Path, commands: Sequence[Command], *, until: str = "", timeout: float = TIMEOUT
) -> list[Any]:
    """Execute `commands` one after the other over one connection and return their results.

    With `until`, also wait for the event of that name, which is then the last element of the list.
    Raises MonitorError as `execute` does.
    """
    names = ", ".join(dict.fromkeys(command.name for command in commands))
    try:
        with _connected(path, timeout) as client:
            results = [client.execute(command) for command in commands]
            return [*results, client.event(until)] if until else results
    except (OSError, EOFError, ValueError) as error:
        raise MonitorError(f"the QEMU monitor at {path} does not answer ({names})") from error


def human(path: Path, line: str) -> str:
    """Execute a line of the human monitor, where QMP lacks a command; return the printed text."""
    return str(execute_all(path, [human_command(line)])[0]).strip()


def human_command(line: str) -> Command:
    """Return the QMP command that executes a line of the human monitor."""
    return Command("human-monitor-command", {"command-line": line})


def restore(path: Path, before: Iterable[Command], state: Path, timeout: float) -> float:
    """Have a QEMU that waits for incoming state read the file `state` and run its machine.

    QEMU executes the commands `before` first. Returns when the machine began to run, in seconds
    since 1970. Shared memory is no part of the state. Raises MonitorError as `execute` does.
    """
    # No node knows the machine's network card yet, but QEMU would announce it to all, five times.
    silent = Command("migrate-set-parameters", {"announce-rounds": 0})
    incoming = Command("migrate-incoming", {"uri": f"file:{state}"})
    commands = [*before, IGNORE_SHARED, silent, incoming]
    resumed = execute_all(path, commands, until="RESUME", timeout=timeout)[-1]["timestamp"]
    return float(resumed["seconds"] + resumed["microseconds"] / 1e6)


def run_state(path: Path) -> str:
    """Return QEMU's run state, such as `running` or `paused` (QMP query-status)."""
    return str(execute(path, "query-status")["status"])


class _Client:
    """The client's side of one connection, which ends at `deadline` (time.monotonic)."""

    def __init__(self, connection: socket.socket, lines: BinaryIO, deadline: float) -> None:
        self._connection = connection
        self._lines = lines
        self._deadline = deadline
        self._events: list[dict[str, Any]] = []

    def execute(self, command: Command) -> Any:  # noqa: ANN401 - each command has its own type
        request = {"execute": command.name, "arguments": dict(command.arguments)}
        self._connection.sendall(json.dumps(request).encode() + b"\n")
        while "event" in (answer := self.receive()):
            self._events.append(answer)
        if "error" in answer:
            raise MonitorError(f"QEMU refused '{command.name}': {answer['error']['desc']}")
        return answer["return"]

    def event(self, name: str) -> dict[str, Any]:
        """Return the first event called `name`; wait for the event if none has come yet."""
        while not (found := [event for event in self._events if event["event"] == name]):
            self._events.append(self.receive())
        return found[0]

    def receive(self) -> dict[str, Any]:
        """Return the next object. Raises EOFError if QEMU has ended, OSError after the deadline."""
        self._connection.settimeout(max(self._deadline - time.monotonic(), 0.001))
        line = self._lines.readline()
        if not line:
            raise EOFError
        received: dict[str, Any] = json.loads(line)
        return received


@contextmanager
def _connected(path: Path, timeout: float) -> Iterator[_Client]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        with connection.makefile("rb") as lines:
            client = _Client(connection, lines, time.monotonic() + timeout)
            client.receive()  # the greeting
            client.execute(Command("qmp_capabilities"))
            yield client
