# SPDX-License-Identifier: GPL-2.0-or-later
"""The nodes' caches of one pool: files beside the pool, see native/include/shared.h.

The folder follows from the pool's path, so that each writer of the pool finds the caches.
tests/unit/native/test_headers.py compares the constants with the header.
"""

import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.run import Result, run
from famulus.base.units import human_size
from famulus.coherence.build import ensure

EVICTIONS = ("none", "random", "lru")  # indexes are the numbers of enum shared_eviction
CACHES, STREAMS = 1, 2  # tasks of a node's plugin: PLUGIN_CACHES and PLUGIN_STREAMS
LINE = 64  # bytes, LINE_BYTES
RING_EVENTS = 1 << 16  # of one CPU's ring, 64 bytes each

HOST, READER = 65, 66  # a CPU waits for the host's tool, or for the reader of the rings: waits.h
CONTROL_VERSION = 3  # of the control file
CONTROL_HEAD = struct.Struct("<QII")  # of struct shared_control: magic, version, coherent
_COPY_TIMEOUT = 600.0  # seconds for a copy of the pool
_TIMEOUT = 60.0  # seconds for all other verbs of the tool


@dataclass(frozen=True)
class Policy:
    """The behaviour of the caches. `lines` is a cache's size in lines of 64 bytes; 0: no bound."""

    coherent: bool = False  # memory stays coherent; the plugin only writes events
    local_atomics: bool = False
    eviction: str = "none"
    lines: int = 0
    seed: int = 0

    def words(self) -> list[str]:
        """Return the arguments of the tool's verb `create` for the policy. Pure."""
        numbers = (self.coherent, self.local_atomics, EVICTIONS.index(self.eviction))
        return [str(int(number)) for number in (*numbers, self.lines, self.seed)]


@dataclass(frozen=True)
class Count:
    """Counts of one node's cache since the node's start: lines."""

    number: int
    runs: bool
    does: int  # CACHES and STREAMS
    taken: int
    written: int
    evicted: int
    waits_for: int = 0  # one of the node's CPUs waits for this node, HOST or READER; 0: for nobody
    waits: int = 0  # seconds of that wait, more than 1


@dataclass(frozen=True)
class Caches:
    """The caches of the pool in the file `pool`; `there` tells whether the files exist.

    `held` opens the pool while its path leads elsewhere, see `pool.file.Pool`.

    With a coherent policy no node has a cache: the plugin only writes events, and needs the files.
    """

    pool: Path
    held: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the caches' files, in the pool's file system."""
        return self.pool.with_name(self.pool.name + ".nodes")

    @property
    def _at(self) -> Path:
        return self.held or self.pool

    @property
    def stream(self) -> Path:
        """The folder of the rings with the events of the nodes' accesses (stream.h)."""
        return self.folder / "stream"

    def there(self) -> bool:
        """Tell whether the caches' files exist: the nodes have the plugin."""
        return (self.folder / "control").exists()

    def private(self) -> bool:
        """Tell whether each node has an image of its own: memory is not coherent."""
        return self.there() and not self._head()[2]

    def _ours(self) -> bool:
        """Tell whether the files are there and of this version of Famulus."""
        return self.there() and self._head()[1] == CONTROL_VERSION

    def _head(self) -> tuple[int, int, int]:
        try:
            with (self.folder / "control").open("rb") as file:
                magic, version, coherent = CONTROL_HEAD.unpack(file.read(CONTROL_HEAD.size))
        except FileNotFoundError:  # removed just now
            return 0, 0, 1
        return magic, version, coherent

    def create(self, size: int, policy: Policy) -> None:
        """Create the files anew, without a cache, for a pool of `size` bytes. No node may run."""
        self.remove()
        words = policy.words()
        argv: list[str | Path] = [
            ensure().tool,
            "create",
            self.folder,
            str(size),
            *words,
            str(RING_EVENTS),
        ]
        run(argv, timeout=_TIMEOUT)

    def remove(self) -> None:
        """Remove all files of the caches. Files that do not exist are no error."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def image(self, number: int) -> Path:
        """Return the image file: the memory of the device of node `number`.

        Raises FamulusError if the node is not attached.
        """
        found = sorted(self.folder.glob(f"node{number}.*.image"), key=_start)
        if not found:
            raise FamulusError(
                f"node {number} has no cache", hint="`famulus up` gives the node a cache."
            )
        return found[-1]

    def attach(self, number: int) -> None:
        """Give node `number`, which does not run, an empty cache and an image: a copy of the pool.

        If memory is coherent, only count the node's start: the pool itself is the node's memory.

        Raises FamulusError with both sizes if the file system has no room for the copy.
        """
        self._remove_stale(number)
        self._tool("attach", number, timeout=_COPY_TIMEOUT, room=True)

    def detach(self, number: int, *, killed: bool = False) -> None:
        """Take away the cache of a node that has ended. Dirty lines are lost."""
        if self._ours():
            self._tool("detach", number, int(killed), cleanup=True)
        else:
            self._remove_stale(number)

    def used(self, number: int) -> bool:
        """Tell whether the plugin of node `number` emulates a cache or writes events."""
        return any(count.number == number and count.does for count in self.counts())

    def ask(self, number: int, mode: int) -> None:
        """Set the mode as `want` does, without waiting for the plugin."""
        self._tool("ask", number, mode)

    def want(self, number: int, mode: int) -> None:
        """Set the mode of the plugin of the running node `number`, and wait for the plugin.

        `mode` is a sum of CACHES and STREAMS, or 0. Raises FamulusError if the plugin does not take
        the mode within 20 seconds.
        """
        self._tool("want", number, mode)

    def write(self, offset: int, data: Path) -> None:
        """Store the file `data` at `offset`. Nodes that do not hold the lines see them."""
        shell = 'exec "$0" write "$1" "$2" "$3" <"$4"'
        words = map(str, (ensure().tool, self._at, self.folder, offset, data))
        run(["sh", "-c", shell, *words], timeout=_COPY_TIMEOUT)

    def zero(self, offset: int, size: int) -> None:
        """Store zeros, as `write` stores bytes."""
        self._tool("zero", offset, size, timeout=_COPY_TIMEOUT)

    def counts(self) -> list[Count]:
        """Return the counts of all nodes that were ever attached; none without files."""
        if not self._ours():
            return []
        rows = (map(int, line.split()) for line in self._tool("show").stdout.splitlines())
        return [Count(number, state != 0, *counts) for number, state, *counts in rows]

    def hurry(self, number: int, *, begin: bool) -> None:
        """Have the CPUs of node `number` not wait for the reader of the rings, or wait again.

        Events that find no room are then lost; the reader notices that.
        """
        if self._ours():
            self._tool("hurry", number, int(begin), cleanup=True)

    def _tool(
        self,
        verb: str,
        *words: int,
        timeout: float = _TIMEOUT,
        room: bool = False,
        cleanup: bool = False,
    ) -> Result:
        argv: list[str | Path] = [ensure().tool, verb, self._at, self.folder, *map(str, words)]
        result = run(argv, timeout=timeout, check=False, cleanup=cleanup)
        if result.returncode == 0:
            return result
        raise self._failed(result.stderr.strip(), room=room)

    def _failed(self, output: str, *, room: bool) -> FamulusError:
        if not (room and "No space" in output):
            return FamulusError(f"the caches of {self.pool} report an error: {output}")
        need = human_size(self._at.stat().st_blocks * 512)
        free = human_size(shutil.disk_usage(self.pool.parent).free)
        return FamulusError(
            f"a node's cache needs a copy of the pool, {need}, and {self.pool.parent} has {free}",
            hint="Clear unneeded bytes (`famulus pool clear`), start fewer nodes, or put the pool "
            "elsewhere with --pool-file.",
        )

    def _remove_stale(self, number: int) -> None:
        for path in self.folder.glob(f"node{number}.*"):
            path.unlink(missing_ok=True)


def _start(path: Path) -> int:
    return int(path.name.split(".")[1])
