# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's monitor: one connection a call, so that any process can ask at any time."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qemu.qmp import ExecuteError, QMPClient, QMPError

from famulus.errors import FamulusError

logging.getLogger("qemu.qmp").propagate = False

LIMIT = 5.0  # seconds; a healthy monitor answers within milliseconds


class MonitorError(FamulusError):
    """The monitor refused a command or did not answer."""


def execute(socket: Path, command: str, arguments: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    """Execute a QMP command on the monitor at `socket` and return what QMP returns for it.

    Raises MonitorError if nothing answers within LIMIT seconds or QEMU refuses the command.
    """
    try:
        return asyncio.run(asyncio.wait_for(_execute(socket, command, arguments), LIMIT))
    except ExecuteError as error:
        raise MonitorError(f"QEMU refused '{command}': {error}") from error
    except (QMPError, OSError, TimeoutError) as error:
        raise MonitorError(f"the QEMU monitor at {socket} does not answer ({command})") from error


def human(socket: Path, line: str) -> str:
    """Execute a line of the human monitor, for what QMP lacks, and return the text it prints."""
    return str(execute(socket, "human-monitor-command", {"command-line": line})).strip()


def run_state(socket: Path) -> str:
    """Return QEMU's run state, such as `running` or `paused` (QMP query-status)."""
    return str(execute(socket, "query-status")["status"])


async def _execute(socket: Path, command: str, arguments: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
    client = QMPClient("famulus")
    await client.connect(str(socket))
    try:
        return await client.execute(command, dict(arguments or {}))
    finally:
        await client.disconnect()
