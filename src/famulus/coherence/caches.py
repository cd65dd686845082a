# SPDX-License-Identifier: GPL-2.0-or-later
"""The nodes' caches before one pool: files beside the pool (shared.h), and who has one.

Their folder follows from the pool's path, so that whoever writes to the pool finds them.
"""

import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.run import Result, run
from famulus.base.units import human_size
from famulus.coherence.build import ensure

EVICTIONS = ("none", "random", "lru")  # as enum shared_eviction counts them
CACHES, STREAMS = 1, 2  # what a node's plugin does, native/include/shared.h
LINE = 64  # bytes
RING_EVENTS = 1 << 16  # of one CPU, 64 bytes each

_CONTROL = struct.Struct("<QII")  # how struct shared_control begins: magic, version, coherent
_COPY_TIMEOUT = 600.0  # seconds in which a pool is copied for a node
_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class Policy:
    """How caches behave. `lines` is a cache's room in lines of 64 bytes; 0 means no bound."""

    coherent: bool = False  # memory stays coherent; accesses are only watched
    local_atomics: bool = False
    eviction: str = "none"
    lines: int = 0
    seed: int = 0

    def words(self) -> list[str]:
        """Return the policy as the tool's `create` takes it."""
        numbers = (self.coherent, self.local_atomics, EVICTIONS.index(self.eviction))
        return [str(int(number)) for number in (*numbers, self.lines, self.seed)]


@dataclass(frozen=True)
class Count:
    """What one node's cache did since the node was started."""

    number: int
    runs: bool
    does: int  # CACHES and STREAMS
    taken: int
    written: int
    evicted: int


@dataclass(frozen=True)
class Caches:
    """The caches before the pool in the file `pool`; `there` tells whether there are any.

    With a coherent policy nobody has one: the files are there for the plugin, which only watches.
    """

    pool: Path

    @property
    def folder(self) -> Path:
        """The folder of their files, in the pool's own file system."""
        return self.pool.with_name(self.pool.name + ".nodes")

    @property
    def stream(self) -> Path:
        """The folder of the rings in which nodes tell of their accesses (stream.h)."""
        return self.folder / "stream"

    def there(self) -> bool:
        """Tell whether nodes have the plugin, and its files lie beside this pool."""
        return (self.folder / "control").exists()

    def private(self) -> bool:
        """Tell whether each node has an image of its own for this pool, which is not coherent."""
        try:
            with (self.folder / "control").open("rb") as file:
                *_, coherent = _CONTROL.unpack(file.read(_CONTROL.size))
        except FileNotFoundError:
            return False
        return not coherent

    def create(self, size: int, policy: Policy) -> None:
        """Begin with no cache at all, for a pool of `size` bytes. No node may run."""
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
        """Remove all files of the caches. Nothing happens if there are none."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def image(self, number: int) -> Path:
        """Return the file that is the pool's memory for node `number`, once it is attached."""
        found = sorted(self.folder.glob(f"node{number}.*.image"), key=_start)
        if not found:
            raise FamulusError(f"node {number} has no cache", hint="`famulus up` gives it one.")
        return found[-1]

    def attach(self, number: int) -> None:
        """Give node `number`, which does not run, an empty cache over a copy of the pool.

        If memory is coherent it only counts the node's start: the pool itself is the node's memory.

        Raises FamulusError if there is no room for one, with the numbers.
        """
        self._remove_stale(number)
        self._tool("attach", number, timeout=_COPY_TIMEOUT, room=True)

    def detach(self, number: int, *, killed: bool = False) -> None:
        """Take away the cache of a node that has ended; what it had not written back is lost."""
        if self.there():
            self._tool("detach", number, int(killed), cleanup=True)

    def used(self, number: int) -> bool:
        """Tell whether the plugin of node `number` does anything."""
        return any(count.number == number and count.does for count in self.counts())

    def ask(self, number: int, what: int) -> None:
        """Say what `want` says, and do not wait for it."""
        self._tool("ask", number, what)

    def want(self, number: int, what: int) -> None:
        """Have the plugin of the running node `number` do `what`, CACHES and STREAMS or 0.

        Returns when it does.
        """
        self._tool("want", number, what)

    def write(self, offset: int, data: Path) -> None:
        """Store the file `data` at `offset`; nodes see it that do not hold these lines."""
        shell = 'exec "$0" write "$1" "$2" "$3" <"$4"'
        words = map(str, (ensure().tool, self.pool, self.folder, offset, data))
        run(["sh", "-c", shell, *words], timeout=_COPY_TIMEOUT)

    def zero(self, offset: int, size: int) -> None:
        """Store zeros, as `write` stores bytes."""
        self._tool("zero", offset, size, timeout=_COPY_TIMEOUT)

    def counts(self) -> list[Count]:
        """Return what each node's cache did."""
        rows = (map(int, line.split()) for line in self._tool("show").stdout.splitlines())
        return [
            Count(number, state != 0, does, taken, written, evicted)
            for number, state, does, taken, written, evicted in rows
        ]

    def _tool(
        self,
        verb: str,
        *words: int,
        timeout: float = _TIMEOUT,
        room: bool = False,
        cleanup: bool = False,
    ) -> Result:
        argv: list[str | Path] = [ensure().tool, verb, self.pool, self.folder, *map(str, words)]
        result = run(argv, timeout=timeout, check=False, cleanup=cleanup)
        if result.returncode == 0:
            return result
        raise self._failed(result.stderr.strip(), room=room)

    def _failed(self, said: str, *, room: bool) -> FamulusError:
        if not (room and "No space" in said):
            return FamulusError(f"the caches before {self.pool} do not answer: {said}")
        need = human_size(self.pool.stat().st_blocks * 512)
        free = human_size(shutil.disk_usage(self.pool.parent).free)
        return FamulusError(
            f"a node's cache needs a copy of the pool, {need}, and {self.pool.parent} has {free}",
            hint="Clear what is not needed (`famulus pool clear`), start fewer nodes, or put the "
            "pool elsewhere with --pool-file.",
        )

    def _remove_stale(self, number: int) -> None:
        for path in self.folder.glob(f"node{number}.*"):
            path.unlink(missing_ok=True)


def _start(path: Path) -> int:
    return int(path.name.split(".")[1])
