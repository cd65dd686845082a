# SPDX-License-Identifier: GPL-2.0-or-later
"""Every unit test has a FAMULUS_HOME of its own and starts without a pending interrupt."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.base import waiting
from famulus.pool import place
from famulus_guest import native
from tests.unit.guest import lib
from tests.unit.mounts import tmpfs


@pytest.fixture(autouse=True)
def famulus_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests away from the fabrics and settings of the user."""
    home = tmp_path_factory.mktemp("famulus")
    monkeypatch.setenv("FAMULUS_HOME", str(home))
    monkeypatch.delenv("FAMULUS_FABRIC", raising=False)
    return home


@pytest.fixture(autouse=True)
def no_interrupt() -> Iterator[None]:
    """Forget an interrupt that the test has made."""
    yield
    waiting.forget_interrupt()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 1 MiB. Only root can mount one."""
    with tmpfs(tmp_path / "small") as folder:
        yield folder


@pytest.fixture
def shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of shared memory, for pools."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(place, "SHARED_MEMORY", folder)
    return folder


@pytest.fixture(scope="session")
def lib_objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The object files of libfamulus, compiled once: programs are linked with them."""
    return lib.compile_objects(tmp_path_factory.mktemp("lib"))


@pytest.fixture(scope="session")
def lib_built(lib_objects: list[Path]) -> Path:
    """libfamulus as nodes have it."""
    target = lib_objects[0].with_name("libfamulus.so")
    lib.gcc("-shared", "-o", target, *lib_objects)
    return target


@pytest.fixture(scope="session")
def lib_hooked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """libfamulus with a hook at every store to the pool."""
    return lib.build_hooked(tmp_path_factory.mktemp("lib") / "libhooked.so")


@pytest.fixture
def lib_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty pool in shared memory, which children of the test open by default."""
    native.library.cache_clear()  # children would inherit an earlier test's library
    with tempfile.TemporaryDirectory(prefix="famulus-test-", dir="/dev/shm") as folder:
        path = Path(folder) / "pool"
        path.write_bytes(bytes(lib.SIZE))
        monkeypatch.setenv("FAMULUS_POOL", str(path))
        monkeypatch.setenv("FAMULUS_DEAD_AFTER_MS", str(lib.DEAD_AFTER))
        yield path


@pytest.fixture
def shared_pool(lib_pool: Path, lib_built: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty pool, and the library."""
    monkeypatch.setenv("FAMULUS_LIBRARY", str(lib_built))
    return lib_pool


@pytest.fixture
def short_silence(lib_pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """A silent member of the pool soon counts as dead."""
    monkeypatch.setenv("FAMULUS_DEAD_AFTER_MS", str(lib.SHORT_DEAD_AFTER))


@pytest.fixture
def crash_pool(lib_pool: Path, lib_hooked: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty pool, and the library that can be killed at any store."""
    monkeypatch.setenv("FAMULUS_LIBRARY", str(lib_hooked))
    return lib_pool
