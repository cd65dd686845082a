# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a command in many nodes in parallel."""

from collections.abc import Callable, Sequence

from famulus.base.run import run
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import Hooks
from famulus.fabric.parallel import each
from famulus.node.node import Node
from famulus.transport import ssh


def execute(
    fabric: Fabric,
    nodes: Sequence[Node],
    command: Sequence[str],
    on_line: Callable[[Node, str], None],
    hooks: Hooks,
    *,
    user: str | None = None,
    timeout: float = 86_400.0,
) -> dict[int, int]:
    """Run `command` in every node, pass each line to `on_line` at once, return the exit codes.

    The words of `command`, as `hooks` wrap them, reach the node's shell joined by blanks, as with
    ssh itself. `on_line` is called from several threads. Raises FamulusError if one of the nodes
    does not run.
    """
    for node in nodes:
        node.require_running()

    def in_node(node: Node) -> int:
        words = hooks.wrap(fabric, command)
        argv = ssh.login(fabric.ssh_config, node.name, user, words, tty=False)
        return run(
            argv,
            timeout=timeout,
            check=False,
            on_line=lambda line: on_line(node, line),
            leaves_output=True,
        ).returncode

    return each(nodes, in_node)
