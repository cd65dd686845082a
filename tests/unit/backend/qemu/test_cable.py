# SPDX-License-Identifier: GPL-2.0-or-later
"""The gateway's cable: the frames that its filter passes, and the error without a switch."""

import os
import socket
import struct
from contextlib import suppress

import pytest

from famulus.backend.qemu import cable
from famulus.base.errors import FamulusError

FOR_HOST = bytes.fromhex("5255c0a82afe 525448504501 0800") + b"to the host"
FOR_NAMES = bytes.fromhex("5255c0a82afd 525448504501 0800") + b"to the name server"
FOR_NODE = bytes.fromhex("525448504502 525448504501 0800") + b"to a node"
FOR_ALL = bytes.fromhex("ffffffffffff 525448504501 0806") + b"to all"
FOR_MANY = bytes.fromhex("333300000001 525448504501 86dd") + b"to many"


def received(frames: socket.socket) -> list[bytes]:
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(frames.recv(2000, socket.MSG_DONTWAIT))
    return found


def test_the_filter_drops_frames_for_nodes():
    switch, gateway = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with switch, gateway:
        cable._attach_filter(gateway)
        for frame in (FOR_NODE, FOR_HOST, FOR_ALL, b"R", FOR_NODE, FOR_MANY, FOR_NAMES):
            switch.send(frame)
        assert received(gateway) == [FOR_HOST, FOR_ALL, FOR_MANY, FOR_NAMES]


def test_the_request_for_a_port_has_the_switchs_format(tmp_path):
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as side,
    ):
        listener.bind(str(tmp_path / "ctl"))
        listener.listen()
        side.bind(str(tmp_path / "003.9"))
        pid = os.fork()
        if pid == 0:
            listener.settimeout(60)
            try:
                _give_port(listener, side, tmp_path)
            finally:
                os._exit(2)
        with cable.plugged_in(tmp_path) as (frames, _):
            os.write(frames, b"a frame")
            assert side.recv(100) == b"a frame"
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"ctl", "003.9"}


def _give_port(listener, side, folder):
    connection, _ = listener.accept()
    magic, version, kind, family, path = struct.unpack_from("=IIIH108s", connection.recv(300))
    side.connect(path.partition(b"\0")[0])
    connection.sendall(struct.pack("H108s", socket.AF_UNIX, os.fsencode(folder / "003.9")))
    os._exit((magic, version, kind, family) != (0xFEEDFACE, 3, 0, socket.AF_UNIX))


@pytest.mark.parametrize("there", [False, True])
def test_without_a_switch_there_is_no_port(tmp_path, there):
    if there:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(tmp_path / "ctl"))
    with pytest.raises(FamulusError, match="gives the gateway no port"), cable.plugged_in(tmp_path):
        pytest.fail("it has a port")
    assert [path.name for path in tmp_path.iterdir()] == ["ctl"] * there
