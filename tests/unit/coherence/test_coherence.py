# SPDX-License-Identifier: GPL-2.0-or-later
"""Caches: the policy, the compilation, errors, the tool's arguments."""

from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.checker.run import require_incoherent
from famulus.coherence import build
from famulus.coherence.caches import Caches, Policy
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record


def test_the_pool_itself_is_the_memory_of_watched_nodes(tmp_path, monkeypatch):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path))
    pool = tmp_path / "pool"
    with pool.open("wb") as file:
        file.truncate(1 << 20)
    caches = Caches(pool)
    assert not caches.private()
    caches.create(1 << 20, Policy(coherent=True))
    assert caches.there()
    assert not caches.private()
    caches.attach(3)
    assert [(count.number, count.runs, count.does) for count in caches.counts()] == [(3, True, 0)]
    assert not list(caches.folder.glob("node*"))
    caches.detach(3)
    assert [count.runs for count in caches.counts()] == [False]
    caches.create(1 << 20, Policy())
    assert caches.private()


def test_check_refuses_a_fabric_with_coherent_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path))
    folder = FabricFolder("w")
    require_incoherent(folder)
    folder.path.mkdir(parents=True)
    folder.write(Record(FabricSpec(watch=True), ""))
    with pytest.raises(FamulusError, match="is coherent"):
        require_incoherent(folder)
    folder.write(Record(FabricSpec(watch=True, coherence="none"), ""))
    require_incoherent(folder)


def test_a_policy_becomes_arguments_of_the_tool():
    policy = Policy(local_atomics=True, eviction="lru", lines=8, seed=3)
    assert policy.words() == ["0", "1", "2", "8", "3"]


def test_the_folder_is_beside_the_pool():
    caches = Caches(Path("/dev/shm/fabric_em.a"))
    assert caches.folder == Path("/dev/shm/fabric_em.a.nodes")
    assert not caches.there()


def test_the_plugin_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path))
    built = build.ensure()
    before = built.plugin.stat().st_mtime_ns
    assert build.ensure() == built
    assert built.plugin.stat().st_mtime_ns == before
    assert list((tmp_path / "plugins").glob("[!.]*")) == [built.plugin.parent]


def program_that_fails(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 1\n")
    path.chmod(0o755)
    return path


def test_an_error_of_the_compiler_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    program_that_fails(tmp_path, "gcc", "no stdio.h")
    with pytest.raises(FamulusError) as caught:
        build.ensure()
    assert "cannot be made" in caught.value.brief
    assert "no stdio.h" in caught.value.details
    assert "libc6-dev" in caught.value.hint
    left = {path.suffix for path in (tmp_path / "plugins").iterdir()}
    assert left == {".lock"}


def test_a_qemu_that_does_not_load_the_plugin_is_an_error(tmp_path, monkeypatch):
    built = build.Built(tmp_path / "famulus.so", tmp_path / "caches")
    monkeypatch.setattr(build, "ensure", lambda: built)
    qemu = program_that_fails(tmp_path, "qemu", "plugin requires API version 4, but ...")
    with pytest.raises(FamulusError) as caught:
        build.require_loadable(str(qemu))
    assert "does not load the plugin" in caught.value.brief
    assert "API version 4" in caught.value.details


def test_a_comma_in_the_plugins_path_is_doubled():
    assert build.check_arguments("q", Path("/a,b.so"))[-1] == "/a,,b.so,check=on"
