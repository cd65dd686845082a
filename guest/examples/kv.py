# SPDX-License-Identifier: GPL-2.0-or-later
"""A key-value store in fabric memory: python3 kv.py put KEY VALUE | get KEY | del KEY | list.

The store survives the death of any node at any time. Its region has two copies. A change, under a
mutex, writes the copy that is not in use; then one atomic store makes this copy the current one. So
the next owner of the mutex after a dead one has nothing to repair.
"""

import json
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from famulus_guest import Pool, Region

MUTEX, CURRENT, COPIES = 0, 64, 128  # offsets in the region; CURRENT has the current copy, 0 or 1
ROOM = 64 << 10  # bytes of a copy
TRIES = 1000
HEAD = 8  # bytes of a copy's head: length and checksum, 4 bytes each


class Store:
    """The store of the whole fabric, opened by one program in one node."""

    def __init__(self, pool: Pool) -> None:
        self._region: Region = pool.obtain("kv", COPIES + 2 * ROOM)
        self._mutex = self._region.mutex(MUTEX, recover=lambda: None)
        self._current = self._region.word(CURRENT)

    def get_all(self) -> dict[str, str]:
        """Return all pairs, without a lock: a copy that changes during the load is loaded again."""
        for _ in range(TRIES):
            copy = self._current.load() % 2
            found = self._read(copy)
            if found is not None and self._current.load() == copy:
                return found
        raise ValueError("the store is damaged")

    @contextmanager
    def changing(self, pause: float = 0) -> Iterator[dict[str, str]]:
        """Yield all pairs for changes, then store them. `pause`: seconds to sleep half-way."""
        with self._mutex:
            found = self.get_all()
            yield found
            other = 1 - self._current.load()
            data = json.dumps(found).encode()
            if len(data) > ROOM - HEAD:
                raise ValueError("the store is full")
            self._write(other, data, pause)
            self._current.store(other)

    def _at(self, copy: int) -> int:
        return COPIES + copy * ROOM

    def _read(self, copy: int) -> dict[str, str] | None:
        head = self._region.read(self._at(copy), HEAD)
        length = int.from_bytes(head[:4], "little")
        if length > ROOM - HEAD:
            return None
        data = self._region.read(self._at(copy) + HEAD, length)
        if zlib.crc32(data) != int.from_bytes(head[4:], "little"):
            return None
        found: dict[str, str] = json.loads(data) if data else {}
        return found

    def _write(self, copy: int, data: bytes, pause: float) -> None:
        self._region.write(self._at(copy) + HEAD, data)
        time.sleep(pause)
        head = len(data).to_bytes(4, "little") + zlib.crc32(data).to_bytes(4, "little")
        self._region.write(self._at(copy), head)


def main() -> int:
    """Run the command line. `put KEY VALUE SECONDS` sleeps half-way, so that a test can kill it."""
    verb, *words = sys.argv[1:] or ["list"]
    with Pool() as pool:
        store = Store(pool)
        if verb == "put":
            with store.changing(float(words[2]) if words[2:] else 0) as found:
                found[words[0]] = words[1]
        elif verb == "del":
            with store.changing() as found:
                del found[words[0]]
        elif verb == "get":
            print(store.get_all()[words[0]])
        else:
            for key, value in sorted(store.get_all().items()):
                print(f"{key}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
