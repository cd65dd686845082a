# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-guest-agent, for what it does well and our own agent need not do again.

Its protocol is QMP's without a greeting (https://www.qemu.org/docs/master/interop/qemu-ga-ref.html).
"""

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qemu.qmp import ExecuteError, QMPClient, QMPError

from famulus.errors import FamulusError

_LIMIT = 60.0  # seconds; the agent may still be starting in the node


def set_password(socket: Path, user: str, password: str) -> None:
    """Set the password of a user of the node behind `socket`. Raises FamulusError if that fails."""
    arguments = {
        "username": user,
        "password": base64.b64encode(password.encode()).decode(),
        "crypted": False,
    }
    try:
        asyncio.run(
            asyncio.wait_for(_execute(socket, "guest-set-user-password", arguments), _LIMIT)
        )
    except ExecuteError as error:
        raise FamulusError(f"the password of {user} could not be set: {error}") from error
    except (QMPError, OSError, TimeoutError) as error:
        raise FamulusError("the node's qemu-guest-agent does not answer") from error


async def _execute(socket: Path, command: str, arguments: Mapping[str, Any]) -> None:
    client = QMPClient("guest-agent")
    client.await_greeting = False
    client.negotiate = False
    await client.connect(str(socket))
    try:
        await client.execute(command, dict(arguments))
    finally:
        await client.disconnect()
