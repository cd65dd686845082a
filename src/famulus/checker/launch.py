# SPDX-License-Identifier: GPL-2.0-or-later
"""A program in all nodes, started so that what it does can be told and named."""

import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from famulus.base import lockfile, waiting
from famulus.base.errors import FamulusError, Interrupted, UsageError
from famulus.base.paths import source_folder
from famulus.base.run import run
from famulus.checker import build
from famulus.checker.wrapper import FOLDER, LAUNCH, OURS, SCRIPTS
from famulus.coherence.caches import Caches
from famulus.fabric.execute import execute
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import NO_HOOKS
from famulus.fabric.parallel import each
from famulus.node import plugin
from famulus.node.node import Node
from famulus.transport import ssh

OVER = 124  # exit code of timeout(1)
CANNOT = (126, 127)  # exit codes of a shell for what cannot be run

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
    """Return the host's files that the program `wanted` needs: none if it is one of the nodes'.

    Raises UsageError if it can be neither.
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
    """Have the program and the launcher in `nodes`, and return the program's command."""
    program, files = Path(wanted), files_of(wanted)
    with only_reader(Caches(fabric.pool)):
        pass  # another's processes would be forgotten
    each(nodes, lambda node: install(fabric, node))
    _all(fabric, nodes, f"{_FORGET}; rm -rf {FOLDER}; mkdir -p {FOLDER}")
    if not files:
        return [wanted]
    each(nodes, lambda node: _copy(fabric, node, files, FOLDER))
    path = f"{FOLDER}/{program.name}"
    if program.suffix == ".c":
        compiled = path.removesuffix(".c")
        flags = f"{_FLAGS} -o {shlex.quote(compiled)} {shlex.quote(path)} -lfamulus -lm"
        _all(fabric, nodes, f"gcc {flags}")
        path = compiled
    _all(fabric, nodes, f"chmod +x {shlex.quote(path)}")
    return [path]


def install(fabric: Fabric, node: Node) -> None:
    """Have the launcher in `node`."""
    ours = [build.ensure().launcher, source_folder("native") / "launcher" / "python"]
    ask_node(fabric, node, f"mkdir -p {OURS}/processes")
    _copy(fabric, node, ours, OURS)


def forget_processes(fabric: Fabric, nodes: Sequence[Node]) -> None:
    """Remove what the launcher has kept in `nodes`."""
    _all(fabric, nodes, _FORGET)


def on_host(file: str, wanted: str) -> str:
    """Return what the host calls `file` of a node, if it is a copy made for `prepare`. Pure."""
    name = file.removeprefix(f"{FOLDER}/")
    program = Path(wanted)
    ours = name != file and (name == program.name or name.endswith(".h"))
    return str(program.with_name(name)) if ours and not wanted.startswith(FOLDER) else file


def _copy(fabric: Fabric, node: Node, files: Sequence[Path], folder: str) -> None:
    paths = [*map(str, files), f"{node.name}:{folder}/"]
    run(ssh.copy(fabric.ssh_config, paths, recursive=True), timeout=_COPY_TIMEOUT)


def ask_node(fabric: Fabric, node: Node, command: str) -> str:
    """Run a shell command in `node` and return what it prints. Raises FamulusError if it fails."""
    argv = ssh.login(fabric.ssh_config, node.name, None, [command], tty=False)
    return run(argv, timeout=_TIMEOUT, leaves_output=True).stdout


def _all(fabric: Fabric, nodes: Sequence[Node], command: str) -> dict[int, str]:
    return each(nodes, lambda node: ask_node(fabric, node, command))


def drop_caches(fabric: Fabric, nodes: Sequence[Node]) -> None:
    """Have nothing in the caches of `nodes`, which are prepared: what is dirty is written back."""
    _all(fabric, nodes, f"sudo {OURS}/launch --drop")


def launch_command(program: Sequence[str], nodes: int, timeout: float) -> str:
    """Return the shell command that runs `program` in each of `nodes` nodes, as root. Pure."""
    bounded = f"timeout -k 5 {timeout:g}"
    number = "FAMULUS_NODE=$(hostname | tr -dc 0-9)"
    words = shlex.join(program)
    return f"sudo env {number} FAMULUS_NODES={nodes} {SCRIPTS} {bounded} {LAUNCH} {words}"


def launch(
    fabric: Fabric, nodes: Sequence[Node], command: str, on_line: Callable[[Node, str], None]
) -> dict[int, int]:
    """Run what `launch_command` returns in `nodes`, and return the exit codes.

    If the user interrupts, the launcher and with it the program end in the nodes, too.
    """
    try:
        return execute(fabric, nodes, [command], on_line, NO_HOOKS)
    except Interrupted:
        waiting.forget_interrupt()
        # Those that are on their way to it, too; the brackets keep this command from being one.
        _all(fabric, nodes, f"sudo pkill -KILL -f '{OURS[:-1]}[{OURS[-1]}]/launch ' || :")
        raise


def kept_processes(
    fabric: Fabric, nodes: Sequence[Node], numbers: Mapping[int, Collection[int]]
) -> dict[int, str]:
    """Return what the launcher has kept in each node, as marked parts, see `parse_processes`.

    Of the processes `numbers`, by node, those that still run are told as they are now.
    """

    def ask(node: Node) -> str:
        known = " ".join(map(str, sorted(numbers.get(node.number, ()))))
        return ask_node(fabric, node, f"cd {OURS}/processes && {_SHOW_KEPT}; {_SHOW_ALIVE % known}")

    return each(nodes, ask)


@contextmanager
def only_reader(caches: Caches) -> Iterator[Path]:
    """Yield the folder of the rings, of which the block is the only reader.

    Raises FamulusError if another is there.
    """
    with reader_lock(caches):
        yield caches.stream


@contextmanager
def reader_lock(caches: Caches) -> Iterator[int]:
    """Yield the file whose holders are the only reader of the rings: the block, and who gets it.

    Raises FamulusError if another is there.
    """
    with lockfile.locked_if_free(caches.stream / "reader") as lock:
        if lock is None:
            raise FamulusError(
                "this fabric is watched already",
                hint="One `famulus check`, `trace record` or `top` at a time; `check` without "
                "--fabric makes a fabric of its own; `check` without a program says what was "
                "found on one that was started by `up --check`.",
            )
        yield lock


@contextmanager
def streams(nodes: Sequence[Node]) -> Iterator[None]:
    """Have the nodes tell of their accesses while the block runs."""
    try:
        each(nodes, lambda node: plugin.stream(node, begin=True))
        yield
    except Interrupted:
        waiting.forget_interrupt()
        raise
    finally:
        each(nodes, lambda node: plugin.stream(node, begin=False))
