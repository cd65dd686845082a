# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's monitor: one connection a call, so that any process can ask at any time."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qemu.qmp import EventListener, ExecuteError, QMPClient, QMPError, Runstate

from famulus.errors import FamulusError

logging.getLogger("qemu.qmp").propagate = False

LIMIT = 5.0  # seconds; a healthy monitor answers within milliseconds


class MonitorError(FamulusError):
    """The monitor refused a command or did not answer."""


@dataclass(frozen=True)
class Command:
    """A QMP command and its arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


# Memory in a file is not written to a machine's state, nor read from it.
IGNORE_SHARED = Command(
    "migrate-set-capabilities",
    {"capabilities": [{"capability": "x-ignore-shared", "state": True}]},
)


def execute(socket: Path, command: str, arguments: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    """Execute a QMP command on the monitor at `socket` and return what QMP returns for it.

    Raises MonitorError if nothing answers within LIMIT seconds or QEMU refuses the command.
    """
    return execute_all(socket, [Command(command, arguments or {})])[0]


def execute_all(
    socket: Path, commands: Sequence[Command], *, until: str = "", limit: float = LIMIT
) -> list[Any]:
    """Execute `commands` one after the other over one connection and return what each returns.

    With `until`, also wait for the event of that name, which is then the last of what is returned.
    Raises MonitorError as `execute` does.
    """
    names = ", ".join(dict.fromkeys(command.name for command in commands))
    try:
        return asyncio.run(asyncio.wait_for(_execute(socket, commands, until), limit))
    except ExecuteError as error:
        raise MonitorError(f"QEMU refused '{names}': {error}") from error
    except (QMPError, OSError, EOFError, TimeoutError) as error:
        raise MonitorError(f"the QEMU monitor at {socket} does not answer ({names})") from error


def human(socket: Path, line: str) -> str:
    """Execute a line of the human monitor, for what QMP lacks, and return the text it prints."""
    return str(execute_all(socket, [human_command(line)])[0]).strip()


def human_command(line: str) -> Command:
    """Return the QMP command that executes a line of the human monitor."""
    return Command("human-monitor-command", {"command-line": line})


def restore(socket: Path, before: Iterable[Command], state: Path, limit: float) -> float:
    """Have a QEMU that waits for the `state` of its devices read it, and its machine run.

    The commands `before` come first. Returns when its machine began to run, in seconds since 1970.

    The memory that it shares with others is no part of that state. Nobody knows its network card
    yet; QEMU would announce it to every node, five times. Raises MonitorError as `execute` does.
    """
    silent = Command("migrate-set-parameters", {"announce-rounds": 0})
    incoming = Command("migrate-incoming", {"uri": f"file:{state}"})
    commands = [*before, IGNORE_SHARED, silent, incoming]
    resumed = execute_all(socket, commands, until="RESUME", limit=limit)[-1]["timestamp"]
    return float(resumed["seconds"] + resumed["microseconds"] / 1e6)


def run_state(socket: Path) -> str:
    """Return QEMU's run state, such as `running` or `paused` (QMP query-status)."""
    return str(execute(socket, "query-status")["status"])


async def _execute(socket: Path, commands: Sequence[Command], until: str) -> list[Any]:
    client = QMPClient("famulus")
    await client.connect(str(socket))
    try:
        with client.listener(until or ()) as listener:
            results = [await client.execute(one.name, dict(one.arguments)) for one in commands]
            if until:
                results.append(await _event_or_end(client, listener))
            return results
    finally:
        await client.disconnect()


async def _event_or_end(client: QMPClient, listener: EventListener) -> Any:  # noqa: ANN401
    """Wait for an event and return it, or raise EOFError if QEMU ends first."""
    event, ended = (asyncio.ensure_future(one) for one in (listener.get(), _end(client)))
    done, pending = await asyncio.wait((event, ended), return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if event not in done:
        raise EOFError
    return event.result()


async def _end(client: QMPClient) -> None:
    if client.runstate is Runstate.RUNNING:
        await client.runstate_changed()
