# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus console`."""

import os
import selectors
import socket
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import closing, contextmanager

import typer

from famulus.backend.libvirt.domain import console_command
from famulus.base.errors import FamulusError
from famulus.base.run import interactive
from famulus.base.waiting import check_interrupt
from famulus.cli.common import DEFAULT_FABRIC, FabricOption, NodeArgument
from famulus.fabric.fabric import open_fabric
from famulus.node.node import Node

LEAVE = b"\x1d"  # Ctrl-], as in telnet and virsh
_BLOCK = 4096


def console(node: NodeArgument, fabric: FabricOption = DEFAULT_FABRIC) -> None:
    """Attach to a node's serial console. Ctrl-] leaves it.

    The login is fabric with the password rocks, or root with aresquare. A console has room for one;
    a second one waits until the first leaves, or is refused by libvirt.
    """
    chosen = open_fabric(fabric).select_one(node)
    if chosen.state() == "stopped":
        chosen.require_running()
    typer.echo(f"Console of {chosen.name}. Ctrl-] leaves it, Enter shows the prompt.", err=True)
    if chosen.spec.network == "libvirt":
        raise typer.Exit(interactive(console_command(chosen.domain)))
    _attach(chosen)


def _attach(chosen: Node) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(str(chosen.socket("console")))
        with _raw_terminal():
            ended = _relay(connection)
    typer.echo("\r", err=True)
    if ended:
        raise FamulusError(f"{chosen.name} has ended")


@contextmanager
def _raw_terminal() -> Iterator[None]:
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin, termios.TCSADRAIN)  # what was typed ahead is kept
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _relay(connection: socket.socket) -> bool:
    """Pass bytes both ways until the user leaves (False) or the node ends (True)."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(connection, selectors.EVENT_READ)
        while True:
            check_interrupt()
            for key, _ in selector.select(0.5):
                if key.fileobj is connection:
                    if not _print(connection.recv(_BLOCK)):
                        return True
                elif not _type(connection, os.read(sys.stdin.fileno(), _BLOCK)):
                    return False


def _print(data: bytes) -> bool:
    os.write(sys.stdout.fileno(), data)
    return bool(data)


def _type(connection: socket.socket, data: bytes) -> bool:
    """Send what was typed; tell whether the user stays. The end of input leaves too."""
    before, leave, _ = data.partition(LEAVE)
    connection.sendall(before)
    return bool(data) and not leave
