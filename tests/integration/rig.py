# SPDX-License-Identifier: GPL-2.0-or-later
"""A fabric for the campaign of faults: what must survive a fault, and what may be hurt."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from famulus.state.folder import FabricFolder
from tests.integration.cli import TIMEOUT, Cli
from tests.integration.waits import wait

NODES = (1, 2)


@dataclass
class Rig:
    """A fabric of two nodes, with the last words that each disk and the pool hold for sure."""

    cli: Cli
    options: tuple[str, ...]
    words: dict[int, str] = field(default_factory=dict)

    def up(self) -> None:
        """`up` once: the fabric must be whole afterwards, whatever happened before."""
        self.cli.ok("up", str(len(NODES)), "--pool", "64M", *self.options)

    def check(self) -> None:
        """Every node answers, and nothing that was synced is lost."""
        assert self.cli.states() == ["running"] * len(NODES)
        for node in NODES:
            assert self.cli.node(node, "hostname") == f"fabric{node}"
            if node in self.words:
                assert self.cli.node(node, "cat synced") == self.words[node]
        if 0 in self.words:
            held = self.cli.ok("pool", "read", "0", str(len(self.words[0])), "--raw")
            assert held == self.words[0]

    def write(self, word: str) -> None:
        """Have the disks and the pool hold `word`."""
        for node in NODES:
            self.cli.node(node, f"echo {word} > synced; sync synced .")
            self.words[node] = word
        self.cli.ok("pool", "write", "0", word)
        self.words[0] = word

    def victims(self) -> dict[int, str]:
        """Return the processes that work for the fabric, by process number, with their names."""
        return {pid: _name(args) for pid, args in self.cli.members().items()}

    def nothing_is_left(self) -> None:
        """After `down --purge` no process, no memory and no folder of the fabric remains."""
        self.cli.ok("down", "--purge")
        assert self.cli.processes() == []
        left = [path for path in Path("/dev/shm").iterdir() if self.cli.fabric in path.name]
        assert left == []
        folder = FabricFolder(self.cli.fabric)
        assert not folder.path.exists()
        assert list(Path("/tmp").glob(f"famulus-{os.getuid()}/*{self.cli.fabric}*")) == []


def _name(args: bytes) -> str:
    words = os.fsdecode(args).split("\0")
    program = Path(words[0]).name
    modules = [word for word in words if word.startswith("famulus.")]
    return " ".join([program, *modules[:1]])


def pick(chance: Random, rig: Rig) -> int | None:
    """Return a process of the fabric by chance, first its kind; None if the fabric has none."""
    victims = rig.victims()
    if not victims:
        return None
    kind = chance.choice(sorted(set(victims.values())))
    pid = chance.choice(sorted(pid for pid, name in victims.items() if name == kind))
    print(f"victim: {kind}, process {pid}")
    return pid


def send(pid: int | None, number: signal.Signals) -> None:
    """Send a signal to a process, if there is one and the process has not ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        if pid:
            os.kill(pid, number)


@contextlib.contextmanager
def stopped(pid: int | None) -> Iterator[None]:
    """Stop the process `pid` during the block."""
    send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        send(pid, signal.SIGCONT)


def ends(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a verb, which must show no traceback, and return its output."""
    output = process.communicate(timeout=TIMEOUT)[0]
    assert "Traceback" not in output, output
    return output


def gone(process: subprocess.Popen[str]) -> None:
    """Kill a verb with its whole process group, and wait until it has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    wait(lambda: process.poll() is not None)
    process.communicate(timeout=TIMEOUT)
