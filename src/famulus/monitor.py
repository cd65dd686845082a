# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's monitor: one connection a call, so that any process can ask at any time."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
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


def execute(socket: Path, command: str, arguments: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    """Execute a QMP command on the monitor at `socket` and return what QMP returns for it.

    Raises MonitorError if nothing answers within LIMIT seconds or QEMU refuses the command.
    """
    return execute_all(socket, [Command(command, arguments or {})])[0]


def execute_all(
    socket: Path, commands: Sequence[Command], *, until: str = "", limit: float = LIMIT
) -> list[Any]:
    """Execute `commands` one after the other over one connection and return what each returns.

    With `until`, also wait for the event of that name. Raises MonitorError as `execute` does.
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
                await _event_or_end(client, listener)
            return results
    finally:
        await client.disconnect()


async def _event_or_end(client: QMPClient, listener: EventListener) -> None:
    """Wait for an event, or raise EOFError if QEMU ends first."""
    event, ended = (asyncio.ensure_future(one) for one in (listener.get(), _end(client)))
    done, pending = await asyncio.wait((event, ended), return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if event not in done:
        raise EOFError


async def _end(client: QMPClient) -> None:
    if client.runstate is Runstate.RUNNING:
        await client.runstate_changed()
