# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs for nodes, compiled once: under TCG gcc in a node is many times slower than here."""

import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.integration.cli import Cli

EXAMPLES = (  # `make all` makes them in a node's home
    "hello_fabric",
    "hello_fabric_read",
    "shared_counter",
    "ping_pong",
    "fabric_queue",
    "parallel_sum",
)
_TOUCH = Path(__file__).with_name("touch.c")


def compile_touch(folder: Path) -> Path:
    """Compile touch.c on the host, as `folder`/touch; the program needs no shared library."""
    program = folder / "touch"
    argv = ["gcc", "-O1", "-static", "-pthread", "-o", str(program), str(_TOUCH)]
    subprocess.run(argv, check=True)
    return program


def install(cli: Cli, program: Path, nodes: Iterable[int]) -> None:
    """Copy `program` to the home of nodes; their disks have the program on return."""

    def copy(node: int) -> None:
        cli.ok("cp", str(program), f"{node}:")
        cli.node(node, f"chmod 755 {program.name} && sync")

    with ThreadPoolExecutor() as threads:
        list(threads.map(copy, nodes))


def make_examples(cli: Cli, nodes: int, *names: str) -> None:
    """Make the examples `names`, or all, in node 1, and copy them to nodes 2 to `nodes`."""
    cli.node(1, f"make {' '.join(names or ['all'])} 2>&1")
    for node in range(2, nodes + 1):
        cli.node(1, f"scp -q {' '.join(names or EXAMPLES)} fabric{node}:")
