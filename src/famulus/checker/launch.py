# SPDX-License-Identifier: GPL-2.0-or-later
"""Copy a program and the launcher to nodes, run the program, and read the launcher's files."""

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted, UsageError
from famulus.base.paths import source_folder
from famulus.base.run import run
from famulus.base.session import Stream
from famulus.checker import build
from famulus.checker.command import FOLDER, OURS, OUTCOME, end_command
from famulus.checker.rings import only_reader
from famulus.fabric.execute import execute
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import NO_HOOKS
from famulus.fabric.parallel import each
from famulus.node.node import Node
from famulus.transport import ssh

_COPY_TIMEOUT = 120.0  # seconds
_FORGET = f"find {OURS}/processes -type f -exec sudo rm -f {{}} +"
_SHOW_KEPT = 'for f in *; do echo "== $f"; sudo cat "$f" || :; done'
_SHOW_ALIVE = (
    'for n in %s; do [ -e "$n" ] || { echo "== $n"; sudo cat /proc/$n/comm /proc/$n/maps; }; done'
    " 2>/dev/null || :"
)
_TIMEOUT = 300.0  # seconds for a compilation or for addr2line in a node, under TCG
_FLAGS = "-g -O1 -pthread"


def files_of(wanted: str) -> list[Path]:
    """Return the host's files that the program `wanted` needs; none for a program of the nodes.

    Raises UsageError if `wanted` is neither a file of the host nor an absolute path.
    """
    program = Path(wanted)
    if program.is_file():
        return [program, *(program.parent.glob("*.h") if program.suffix == ".c" else ())]
    if not wanted.startswith("/"):
        raise UsageError(
            f"there is no file {program}",
            hint="PROGRAM is a file of this host, or a path from / that exists in the nodes.",
        )
    return []


def prepare(fabric: Fabric, nodes: Sequence[Node], wanted: str) -> list[str]:
    """Copy the program and the launcher to `nodes`, and return the program's command."""
    program, files = Path(wanted), files_of(wanted)
    with only_reader(fabric.caches):
        pass  # or this removes the files of processes that another reader is about to name
    each(nodes, lambda node: install(fabric, node))
    _all(fabric, nodes, f"{_FORGET}; sudo rm -f {OUTCOME}; rm -rf {FOLDER}; mkdir -p {FOLDER}")
    if not files:
        return [wanted]
    each(nodes, lambda node: _copy(fabric, node, files, FOLDER))
    path = f"{FOLDER}/{program.name}"
    if program.suffix == ".c":
        path = _compile(fabric, nodes, path)
    _all(fabric, nodes, f"chmod +x {shlex.quote(path)}")
    return [path]


def _compile(fabric: Fabric, nodes: Sequence[Node], source: str) -> str:
    """Compile `source` in each of `nodes` and return the program's path."""
    compiled = source.removesuffix(".c")
    flags = f"{_FLAGS} -o {shlex.quote(compiled)} {shlex.quote(source)} -lfamulus -lm"
    _all(fabric, nodes, f"gcc {flags}")
    return compiled


def install(fabric: Fabric, node: Node) -> None:
    """Copy the launcher to `node`."""
    ours = [build.ensure().launcher, source_folder("native") / "launcher" / "python"]
    ask_node(fabric, node, f"mkdir -p {OURS}/processes")
    _copy(fabric, node, ours, OURS)


def forget_processes(fabric: Fabric, nodes: Sequence[Node]) -> None:
    """Remove the files that the launcher keeps in `nodes`."""
    _all(fabric, nodes, _FORGET)


def on_host(file: str, wanted: str) -> str:
    """Return the host's name of a node's `file`, if `prepare` copied the file. Pure."""
    name = file.removeprefix(f"{FOLDER}/")
    program = Path(wanted)
    ours = name != file and (name == program.name or name.endswith(".h"))
    return str(program.with_name(name)) if ours and not wanted.startswith(FOLDER) else file


def _copy(fabric: Fabric, node: Node, files: Sequence[Path], folder: str) -> None:
    paths = [*map(str, files), f"{node.name}:{folder}/"]
    run(ssh.copy(fabric.ssh_config, paths, recursive=True), timeout=_COPY_TIMEOUT)


def ask_node(fabric: Fabric, node: Node, command: str) -> str:
    """Run a shell command in `node` and return its output. Raises FamulusError if it fails."""
    argv = ssh.login(fabric.ssh_config, node.name, None, [command], tty=False)
    return run(argv, timeout=_TIMEOUT, leaves_output=True).stdout


def _all(fabric: Fabric, nodes: Sequence[Node], command: str) -> dict[int, str]:
    return each(nodes, lambda node: ask_node(fabric, node, command))


def drop_caches(fabric: Fabric, nodes: Sequence[Node]) -> None:
    """Write the caches of `nodes` back and empty them; the launcher must be installed there."""
    _all(fabric, nodes, f"sudo {OURS}/launch --drop")


def launch(
    fabric: Fabric, nodes: Sequence[Node], command: str, on_line: Callable[[Node, str], None]
) -> dict[int, int]:
    """Run a command of `launch_command` in `nodes`, and return the exit codes, see `outcomes`.

    If the user interrupts, the launcher and the program end in the nodes, too, also where they are
    about to start; the same happens if `on_line` raises OSError.
    """

    def as_text(node: Node, _stream: Stream, line: bytes) -> None:
        on_line(node, line.decode(errors="replace"))

    try:
        return execute(fabric, nodes, f"{command} 2>&1", as_text, NO_HOOKS)
    except (Interrupted, OSError):
        waiting.forget_interrupt()
        _all(fabric, nodes, end_command())
        raise


def outcomes(fabric: Fabric, nodes: Sequence[Node]) -> dict[int, str]:
    """Return how the program of `launch` ended in each node, as the launcher says (launch.c).

    The text is empty if the launcher did not end by itself, or the node does not answer.
    """

    def ask(node: Node) -> str:
        try:
            return ask_node(fabric, node, f"cat {OUTCOME} 2>/dev/null || :").strip()
        except FamulusError:
            return ""

    return each(nodes, ask)


def kept_processes(
    fabric: Fabric, nodes: Sequence[Node], numbers: Mapping[int, Collection[int]]
) -> dict[int, str]:
    """Return the launcher's files of each node, as marked parts, see `processes.parse_processes`.

    A process of `numbers`, by node, that still runs has its present name and memory map.
    """

    def ask(node: Node) -> str:
        known = " ".join(map(str, sorted(numbers.get(node.number, ()))))
        return ask_node(fabric, node, f"cd {OURS}/processes && {_SHOW_KEPT}; {_SHOW_ALIVE % known}")

    return each(nodes, ask)
