# SPDX-License-Identifier: GPL-2.0-or-later
"""Real templates: booted alone on a plain PC, of another suite, with another kernel."""

import socket
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.cli import Cli
from tests.integration.templates import built, check_node, free_port, text
from tests.integration.waits import wait

pytestmark = pytest.mark.integration


def test_a_template_boots_on_a_plain_pc(own: Cli, tmp_path: Path) -> None:
    """A plain PC shows boot loader, kernel and login prompt; DHCP and ssh with own keys work.

    The cloud kernel has no driver for the e1000 that QEMU gives a PC, hence virtio.
    """
    serial = tmp_path / "serial.log"
    port = free_port()
    argv = [
        "qemu-system-x86_64",
        "-accel", "tcg,thread=multi",
        "-m", "512",
        "-snapshot",
        "-display", "none",
        "-serial", f"file:{serial}",
        "-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{port}-:22",
        str(built(own) / "disk.img"),
    ]  # fmt: skip
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as qemu:
        try:
            wait(lambda: "login:" in text(serial), lambda: text(serial)[-3000:])
            wait(lambda: banner(port).startswith(b"SSH-2.0-"), lambda: text(serial)[-3000:])
        finally:
            qemu.kill()
    assert "FAILED" not in text(serial)


def banner(port: int) -> bytes:
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as connection:
            return connection.recv(64)
    except OSError:
        return b""


def test_a_node_of_bookworm_works(own: Cli) -> None:
    own.ok("up", "1", "--suite", "bookworm", "--pool", "64M")
    assert own.node(1, "cat /etc/debian_version").startswith("12")
    check_node(own)


@pytest.mark.campaign("template")
def test_a_node_with_the_generic_kernel_works(own: Cli) -> None:
    own.ok("up", "1", "--kernel", "generic", "--pool", "64M")
    assert "cloud" not in own.node(1, "uname -r")
    check_node(own)
