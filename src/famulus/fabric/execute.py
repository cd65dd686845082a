# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a command in many nodes in parallel."""

import signal
import threading
from collections.abc import Callable, Sequence

from famulus.base.run import shell_line
from famulus.base.session import Stream, relay
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import Hooks
from famulus.fabric.parallel import each
from famulus.fabric.session import forget_dead_connections, shared_connection
from famulus.node.ending import watch_machine
from famulus.node.node import Node
from famulus.transport import ssh

GONE = 255  # the exit code of a command whose node has ended, and of ssh that has no connection
ENDED = b"famulus: the node has ended while its command ran"
_LOST = (GONE, 128 + signal.SIGTERM, 128 + signal.SIGKILL)  # of an ssh that ended or was ended

OnLine = Callable[[Node, Stream, bytes], None]


def line_of(command: Sequence[str]) -> str:
    """Return the line for a node's shell: several words are arguments, a single word is a line."""
    return command[0] if len(command) == 1 else shell_line(command)


def execute(
    fabric: Fabric,
    nodes: Sequence[Node],
    line: str,
    on_line: OnLine,
    hooks: Hooks,
    *,
    user: str | None = None,
    feed: bool = False,
    timeout: float = 86_400.0,
) -> dict[int, int]:
    """Run the shell's `line` in every node, pass each printed line on, return the exit codes.

    `on_line` gets each line at once, as the node printed the line (see `relay`), in several
    threads; when `on_line` raises, the command ends in all nodes. If a node's machine ends, a line
    of its standard error says so, the exit code is GONE, and the other nodes go on. With `feed`,
    the command reads the standard input of this process. Raises FamulusError if a node does not
    run.
    """
    for node in nodes:
        node.require_running()
    words = hooks.wrap(fabric, [line])
    over = threading.Event()

    def in_node(node: Node) -> int:
        def pass_on(stream: Stream, printed: bytes) -> None:
            on_line(node, stream, printed)

        with watch_machine(node) as gone, shared_connection(node, user) as options:
            argv = ssh.login(fabric.ssh_config, node.name, user, words, tty=False, options=options)
            code = relay(argv, pass_on, lambda: over.is_set() or gone(), timeout=timeout, feed=feed)
            if code not in _LOST or not gone():
                return code
        forget_dead_connections(node)
        pass_on(Stream.ERR, ENDED)
        return GONE

    return each(nodes, in_node, abandon=over.set)
