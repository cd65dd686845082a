# SPDX-License-Identifier: GPL-2.0-or-later
"""The doorbell server's process: `python -m famulus.doorbell FOLDER POOL AT VECTORS NODES`.

POOL is the pool's path, AT opens the pool now. The command returns when the sockets FOLDER/1 …
FOLDER/NODES exist; the server goes on in the background, and keeps the pool open: the name of the
pool may go. FOLDER/pid has its process number, FOLDER/log its messages.
"""

import logging
import os
import resource
import socket
import sys
from io import FileIO
from pathlib import Path

from famulus.coherence.caches import Caches
from famulus.doorbell.server import Server


def main(folder: Path, pool: Path, at: Path, vectors: int, nodes: int) -> None:
    """Bind the sockets, go into the background and serve."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.umask(0o077)
    listeners = {number: _listen(folder / str(number)) for number in range(1, nodes + 1)}
    file = FileIO(at, "r+b")  # an error shows before the command returns
    server = Server(lambda number: _memory(pool, file, number), vectors, listeners)
    if child := os.fork():
        (folder / "pid").write_text(f"{child}\n", encoding="ascii")
        return
    _detach(folder / "log")
    server.serve()


def _memory(pool: Path, file: FileIO, number: int) -> FileIO:
    """Return the memory of node `number`: the pool, or the node's image if nodes have caches."""
    caches = Caches(pool)
    return FileIO(caches.image(number), "r+b") if caches.private() else file


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    return listener


def _detach(log: Path) -> None:
    os.setsid()
    os.chdir("/")
    logging.basicConfig(filename=log, level=logging.INFO, format="%(asctime)s %(message)s")
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)


if __name__ == "__main__":
    folder, pool, at, vectors, nodes = sys.argv[1:]
    main(Path(folder), Path(pool), Path(at), int(vectors), int(nodes))
