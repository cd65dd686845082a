# SPDX-License-Identifier: GPL-2.0-or-later
"""The gateway's cable to the switch, with a filter that passes only frames for the gateway.

libslirp answers every frame that reaches libslirp, with any MAC address. And the switch sends a
frame to all ports while the switch does not know the port of the frame's node: at first, and again
each time another node joins or leaves, because the switch then forgets all ports (vde2, fstp.c:
topology_change). Without a filter the gateway would end connections between nodes.

A port of the switch is a pair of sockets: a stream, which requests the port and keeps it, and a
datagram socket, on which each datagram is a frame (vde2, datasock.c: request_v3).
"""

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from famulus.base.errors import FamulusError

_TIMEOUT = 20.0  # seconds
_MAGIC, _VERSION, _NEW_PORT = 0xFEEDFACE, 3, 0
_ADDRESS = "H108s"  # struct sockaddr_un
_REQUEST = f"=III{_ADDRESS}"
_SO_ATTACH_FILTER = 26  # Linux, asm-generic/socket.h

# Linux, linux/bpf_common.h: operation, jump if true, jump if false, constant. A frame begins with
# its destination's MAC; libslirp's MACs begin with 52:55 (libslirp, slirp.h: special_ethaddr).
_FILTER = (
    (0x28, 0, 0, 0),  # load the frame's first half word
    (0x15, 2, 0, 0x5255),  # is the frame for the gateway?
    (0x45, 1, 0, 0x0100),  # is the frame for all?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # take
)


@contextmanager
def plugged_in(switch: Path) -> Iterator[tuple[int, int]]:
    """Yield a new port of the switch whose sockets lie in `switch`: its datagrams, its stream.

    The port is two file descriptors, and exists as long as some process has both open. Raises
    FamulusError if no switch runs there.
    """
    with (
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as frames,
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as port,
    ):
        _attach_filter(frames)
        try:
            _ask_for_port(port, frames, switch)
        except OSError as error:
            raise FamulusError(
                f"the switch at {switch} gives the gateway no port: {error.strerror or error}",
                hint="`famulus down` and `famulus up` start another switch.",
            ) from error
        yield frames.fileno(), port.fileno()


def _ask_for_port(port: socket.socket, frames: socket.socket, switch: Path) -> None:
    ours = switch / f"gateway.{os.getpid()}"
    frames.bind(str(ours))
    try:
        port.settimeout(_TIMEOUT)
        port.connect(str(switch / "ctl"))
        address = (socket.AF_UNIX, os.fsencode(ours))
        port.sendall(struct.pack(_REQUEST, _MAGIC, _VERSION, _NEW_PORT, *address) + b"gateway\0")
        answer = port.recv(struct.calcsize(_ADDRESS))
        if len(answer) < struct.calcsize(_ADDRESS):
            raise ConnectionResetError("the switch refuses; all its ports may be taken")
        frames.connect(struct.unpack(_ADDRESS, answer)[1].partition(b"\0")[0])
    finally:
        ours.unlink()  # the switch has connected to this socket


def _attach_filter(frames: socket.socket) -> None:
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in _FILTER)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(_FILTER), ctypes.addressof(buffer))
    frames.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
