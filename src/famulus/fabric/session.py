# SPDX-License-Identifier: GPL-2.0-or-later
"""A program on the user's terminal that is connected to nodes, such as ssh or scp."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack

from famulus.base.errors import FamulusError
from famulus.base.run import Argv
from famulus.base.session import interactive
from famulus.node.ending import watch_machine
from famulus.node.lifecycle import forget_connections
from famulus.node.node import Node
from famulus.transport import ssh


def shared_connection(node: Node, user: str | None) -> AbstractContextManager[list[str]]:
    """Yield the options with which `user`'s ssh shares a connection to `node`, see ssh.sharing."""
    return ssh.sharing(node.folder.sockets, node.name, user)


def in_session(argv: Argv, nodes: Sequence[Node]) -> int:
    """Run a program that is connected to `nodes` on the user's terminal; return its exit code.

    If the machine of a node ends, the program is ended, and FamulusError names the node. A node
    that is paused keeps its session.
    """
    with ExitStack() as stack:
        ends = [stack.enter_context(watch_machine(node)) for node in nodes]
        code = interactive(argv, lambda: any(ended() for ended in ends))
        gone = [node for node, ended in zip(nodes, ends, strict=True) if ended()]
    for node in gone:
        forget_dead_connections(node)
    if gone and code:
        names = ", ".join(dict.fromkeys(node.name for node in gone))
        raise FamulusError(f"{names} has ended", hint="`famulus up` starts the node.")
    return code


def forget_dead_connections(node: Node) -> None:
    """End the shared connections to `node` if its machine is off: they never end by themselves.

    A shared connection keeps the output of each session open.
    """
    if not node.running():
        forget_connections(node.folder, node.name)
