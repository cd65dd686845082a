# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus on the host: processes that map one file represent nodes."""

import ctypes
import os
import pickle
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from famulus.template.guest import guest_folder
from tests.unit.timeouts import TIMEOUT

HERE = Path(__file__).parent
LIB = guest_folder() / "lib"
CRASHED = 77  # as in lib_hook.c
SIZE = 1 << 19  # bytes of a pool
DEAD_AFTER = 60_000  # milliseconds: no living process is silent for so long, on any host
SHORT_DEAD_AFTER = 3000  # milliseconds, for tests that wait until silence counts as death
CHILD_TIMEOUT = 2 * TIMEOUT  # more than a wait within the child
FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{LIB / 'include'}", "-pthread")


def gcc(*words: str | Path, cwd: Path | None = None) -> None:
    argv = ["gcc", *FLAGS, *map(str, words)]
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def sources() -> list[Path]:
    return sorted(LIB.glob("*.c"))


def compile_objects(folder: Path, *flags: str | Path, but: str = "") -> list[Path]:
    """Compile the library in `folder`, for shared objects too; leave out the unit `but`."""
    chosen = [source for source in sources() if source.name != but]
    gcc("-c", "-fPIC", "-O2", "-g", "-fvisibility=hidden", *flags, *chosen, cwd=folder)
    return [folder / f"{source.stem}.o" for source in chosen]


def build_hooked(target: Path) -> Path:
    """Make a shared library with a hook at every store to the pool; the hook itself is visible."""
    objects = compile_objects(target.parent, "-DFAM_STORE_HOOK=fam_test_store")
    gcc("-shared", "-fPIC", "-o", target, HERE / "lib_hook.c", *objects)
    return target


class Child:
    """A child process that runs a function, as a separate member."""

    def __init__(self, work: Callable[[], Any], node: int = 0) -> None:
        self._out, there = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(there)
            return
        code = 1
        try:
            os.environ["FAMULUS_NODE"] = str(node)
            os.write(there, pickle.dumps(work()))
            code = 0
        except BaseException as error:  # noqa: BLE001 - the parent raises it
            os.write(there, pickle.dumps(error))
        finally:
            os._exit(code)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._out)

    def end(self) -> tuple[int, Any]:
        """Wait; return the exit code, and the function's result or exception."""
        deadline = time.monotonic() + CHILD_TIMEOUT
        while (found := os.waitpid(self.pid, os.WNOHANG)) == (0, 0):
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError("the child hangs")
            time.sleep(0.0005)
        with os.fdopen(self._out, "rb") as pipe:
            data = pipe.read()
        return os.waitstatus_to_exitcode(found[1]), pickle.loads(data) if data else None

    def result(self) -> Any:
        """Wait and return the function's result, or raise its exception."""
        code, value = self.end()
        if isinstance(value, BaseException):
            raise value
        assert code == 0
        return value


def child(work: Callable[[], Any], node: int = 0) -> Any:
    return Child(work, node).result()


def arm(stores: int) -> None:
    """End this process at its `stores`-th store from now; 0: never."""
    function = ctypes.CDLL(os.environ["FAMULUS_LIBRARY"]).fam_test_arm
    function.argtypes = (ctypes.c_long,)
    function(stores)


def crash_everywhere(
    path: Path, act: Callable[[Callable[[], None]], Any], verify: Callable[[bool], Any]
) -> int:
    """Run `act` in a child that dies at its n-th store, for each n; then `verify` in another.

    The pool starts each time with its present contents. `act` calls its argument when the count of
    stores shall begin. The argument of `verify` is true if `act` completed. Returns the number of
    stores.
    """
    before = path.read_bytes()
    for n in range(1, 5000):
        path.write_bytes(before)
        code, value = Child(lambda n=n: act(lambda: arm(n))).end()  # type: ignore[misc]
        assert code in (0, CRASHED), (n, value)
        try:
            child(lambda code=code: verify(code == 0))  # type: ignore[misc]
        except BaseException as error:
            raise AssertionError(f"after a death at store {n}") from error
        if code == 0:
            return n - 1
    raise AssertionError("the call never completes")
