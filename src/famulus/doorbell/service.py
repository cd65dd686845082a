# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, find and stop the doorbell server of a fabric, from any process."""

import sys
from dataclasses import dataclass
from pathlib import Path

from famulus.base import paths
from famulus.base.process import Service
from famulus.base.run import run

_TIMEOUT = 60.0  # seconds for a start


@dataclass(frozen=True)
class Doorbell(Service):
    """The server whose sockets, pid file and log lie in `folder`. Nodes survive its end."""

    def socket(self, number: int) -> Path:
        """Return the socket to which the QEMU of node `number` connects."""
        return self.folder / str(number)

    def start(self, pool: Path, at: Path, vectors: int, nodes: int) -> None:
        """Start the server for the nodes 1 … `nodes` over the pool `pool`, which `at` opens.

        On return nodes can connect. An earlier server is ended and its files are removed. Raises
        FamulusError with the server's output if the server does not start.
        """
        self.stop()
        paths.make_private(self.folder)
        run(server_arguments(self.folder, pool, at, vectors, nodes), timeout=_TIMEOUT)


def server_arguments(folder: Path, pool: Path, at: Path, vectors: int, nodes: int) -> list[str]:
    """Return the arguments that start the server. Pure."""
    return [
        sys.executable, "-P", "-m", "famulus.doorbell",
        str(folder), str(pool), str(at), str(vectors), str(nodes),
    ]  # fmt: skip
