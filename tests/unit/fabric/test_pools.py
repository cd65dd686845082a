# SPDX-License-Identifier: GPL-2.0-or-later
"""The pool of a fabric: taken by `up`, given up by a purge."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from famulus.backend.qemu.user import UserNetwork
from famulus.base.errors import FamulusError
from famulus.base.events import Events, Sink
from famulus.base.units import MIB
from famulus.fabric import pools
from famulus.fabric.fabric import Fabric, open_fabric
from famulus.node.node import Node
from famulus.pool import access, place
from famulus.pool.file import Pool
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record

SIZE = 64 * MIB


@pytest.fixture(autouse=True)
def shared(shared_memory: Path) -> Path:
    return shared_memory


class Notes(Sink):
    """The notes of all steps."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)

    def __str__(self) -> str:
        return "\n".join(self.texts)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Change to the FAMULUS_HOME of that name."""

    def change(name: str) -> Path:
        folder: Path = tmp_path / name
        monkeypatch.setenv("FAMULUS_HOME", str(folder))
        return folder

    change("home")
    return change


@pytest.fixture
def up(home, notes):  # noqa: ARG001 - a home comes first
    """Take the pool of a fabric, as `up` does; return the fabric."""

    def take(name: str = "fabric", **settings: object) -> Fabric:
        spec = FabricSpec.model_validate({"pool": SIZE, **settings})
        folder = FabricFolder(name)
        folder.path.mkdir(parents=True, exist_ok=True)
        record = replace(folder.read(), spec=spec) if folder.exists() else Record(spec, "none")
        folder.write(record)
        with ExitStack() as undo:
            running = Fabric(folder, record).alive()
            take = pools.ready_pool if running else pools.take_pool
            fabric = take(Fabric(folder, record), undo, Events(notes))
            undo.pop_all()
        return fabric

    return take


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Processes in place of nodes: `nodes.start(pool)` has the file open, `nodes.end()`."""
    running: list[subprocess.Popen[bytes]] = []

    def start(pool: Pool) -> None:
        with pool.at.open("r+b") as file:
            running.append(subprocess.Popen(["sleep", "1000"], pass_fds=[file.fileno()]))

    def end() -> None:
        while running:
            process = running.pop()
            process.kill()
            process.wait()

    monkeypatch.setattr(Fabric, "_holders", lambda _: (process.pid for process in running))
    monkeypatch.setattr(Fabric, "alive", lambda _: bool(running))
    yield SimpleNamespace(start=start, end=end)
    end()


def first_bytes(fabric: Fabric) -> bytes:
    return b"".join(piece.data or bytes(8) for piece in access.read(fabric.pool, 0, 8))


def test_nodes_keep_a_pool_whose_name_is_gone(up, nodes, notes):
    fabric = up()
    access.write(fabric.pool, 0, b"precious")
    nodes.start(fabric.pool)
    fabric.pool.path.unlink()
    again = up()
    assert "gives the pool its name back" in str(notes)
    assert not again.pool.path.exists()
    assert first_bytes(open_fabric("fabric")) == b"precious"
    access.write(again.pool, 0, b"changed!")
    nodes.start(again.pool)
    with pools.kept(open_fabric("fabric"), Events(notes)):
        nodes.end()
    assert first_bytes(open_fabric("fabric")) == b"changed!"
    assert open_fabric("fabric").pool.held is None
    assert purge(fabric) == []


def test_pool_that_only_the_switch_holds_comes_back_before_a_start(up, nodes, notes, monkeypatch):
    fabric = up()
    access.write(fabric.pool, 0, b"precious")
    nodes.start(fabric.pool)
    fabric.pool.path.unlink()
    monkeypatch.setattr(Fabric, "alive", lambda _: False)
    monkeypatch.setattr(UserNetwork, "keeper", lambda _: 1)
    monkeypatch.setattr(UserNetwork, "stop", lambda _: nodes.end())
    with ExitStack() as undo:
        again = pools.ready_pool(open_fabric("fabric"), undo, Events(notes))
        undo.pop_all()
    assert first_bytes(again) == b"precious"
    assert "is gone with its contents" not in str(notes)


def test_nodes_of_libvirt_cannot_join_a_pool_without_a_name(up, nodes, monkeypatch, notes):
    fabric = up(network="libvirt")
    nodes.start(fabric.pool)
    fabric.pool.path.unlink()
    monkeypatch.setattr(Node, "running", lambda node: node.number == 1)
    with ExitStack() as undo:
        pools.ready_pool(open_fabric("fabric"), undo, Events(notes))
        two = replace(fabric.record, spec=fabric.spec.model_copy(update={"nodes": 2}))
        with pytest.raises(FamulusError, match="finds the pool by its name") as caught:
            pools.ready_pool(Fabric(fabric.folder, two), undo, Events(notes))
    assert "famulus down" in caught.value.hint


def test_caches_whose_files_are_gone_take_no_node(up, nodes, notes):
    fabric = up(watch=True)
    nodes.start(fabric.pool)
    with (
        ExitStack() as undo,
        pytest.raises(FamulusError, match="files of the nodes' caches") as caught,
    ):
        pools.ready_pool(open_fabric("fabric"), undo, Events(notes))
    assert "famulus down" in caught.value.hint


def purge(fabric: Fabric) -> list[Path]:
    return pools.give_up_pools(fabric.folder, open_fabric(fabric.folder.name))


def test_pool_is_made_and_recorded(up, shared, notes):
    fabric = up()
    assert fabric.pool.path == shared / "fabric_em"
    assert open_fabric("fabric").record == fabric.record
    assert fabric.record.pools == (shared / "fabric_em",)
    assert up().record == fabric.record
    assert str(notes) == ""
    assert purge(fabric) == []
    assert list(shared.iterdir()) == []


def test_lost_pool_is_named_before_a_new_one_is_made(up, shared, notes):
    up()
    (shared / "fabric_em").unlink()
    up()
    assert f"the pool {shared / 'fabric_em'} of this fabric is gone with its contents" in str(notes)
    assert (shared / "fabric_em").stat().st_size == SIZE


def test_two_homes_have_two_pools_and_purges(up, shared, home, notes):
    first = up()
    mine = home("other")
    second = up()
    assert second.pool.path != first.pool.path
    assert f"is the pool of fabric 'fabric' of {mine.with_name('home')}" in str(notes)
    assert second.pool.path.name in str(notes)
    notes.texts.clear()
    assert up().pool == second.pool
    assert str(notes) == ""
    assert pools.chosen_place(second.folder, second.spec) == second.pool.path
    second.caches.folder.mkdir()
    first.caches.folder.mkdir()
    assert purge(second) == []
    assert sorted(path.name for path in shared.iterdir()) == [
        ".fabric_em.famulus",
        "fabric_em",
        "fabric_em.nodes",
    ]
    home("home")
    assert purge(first) == []
    assert list(shared.iterdir()) == []


def test_purge_removes_all_pools_that_the_fabric_made(up, shared, tmp_path):
    for file in ("", str(tmp_path / "a"), str(tmp_path / "b")):
        fabric = up(pool_file=file)
    assert fabric.record.pools == (shared / "fabric_em", tmp_path / "a", tmp_path / "b")
    assert up(pool_file="").pool.path == shared / "fabric_em"
    assert purge(fabric) == []
    assert {path.name for path in tmp_path.iterdir()} == {"shm", "home"}


def test_purge_leaves_a_file_that_was_there(up, tmp_path, notes):
    file = tmp_path / "kept.bin"
    file.write_bytes(b"precious" + bytes(SIZE - 8))
    fabric = up(pool_file=str(file))
    assert f"{file} was there already" in str(notes)
    assert purge(fabric) == [file]
    assert file.read_bytes()[:8] == b"precious"
    assert {path.name for path in tmp_path.iterdir()} == {"shm", "home", "kept.bin"}


def test_pool_of_an_earlier_version_stays_the_fabrics_own(up, shared, notes):
    fabric = up()
    for path in shared.glob(".*"):
        path.unlink()
    fabric.folder.write(replace(fabric.record, pool=None, pools=None))
    assert purge(up()) == []
    assert str(notes) == ""
    assert list(shared.iterdir()) == []


def test_pool_of_running_nodes_of_an_earlier_version_is_marked(up, shared, home, monkeypatch):
    fabric = up()
    for path in shared.glob(".*"):
        path.unlink()
    fabric.folder.write(replace(fabric.record, pool=None, pools=None))
    monkeypatch.setattr(Fabric, "alive", lambda _: True)
    assert up().record.pools == (shared / "fabric_em",)
    monkeypatch.setattr(Fabric, "alive", lambda _: False)
    home("other")
    assert up().pool != fabric.pool


@pytest.mark.parametrize("network", ["libvirt", "user"])
def test_only_libvirt_makes_the_pool_of_a_node_that_starts_by_itself(
    up, shared, network, monkeypatch
):
    monkeypatch.setattr(Fabric, "alive", lambda _: False)
    fabric = up(network=network)
    fabric.pool.path.rename(shared / "kept")
    fabric.pool.path.write_bytes(bytes(SIZE))
    monkeypatch.setattr(Fabric, "alive", lambda _: True)
    assert purge(up(network=network)) == ([fabric.pool.path] if network == "user" else [])


def test_unreadable_record_does_not_keep_the_pool(up, shared):
    fabric = up()
    assert pools.give_up_pools(fabric.folder, None) == []
    assert list(shared.iterdir()) == []


def test_two_fabrics_share_a_file_without_caches(up, tmp_path, notes):
    file = str(tmp_path / "both.bin")
    first, second = up("first", pool_file=file), up("second", pool_file=file)
    assert "both fabrics use the file" in str(notes)
    assert [pools.owns_pool(fabric) for fabric in (first, second)] == [True, False]
    assert purge(second) == [tmp_path / "both.bin"]
    assert purge(first) == []
    assert not (tmp_path / "both.bin").exists()


@pytest.mark.parametrize("which", ["owner", "guest"])
def test_two_fabrics_share_no_file_with_caches(up, tmp_path, which):
    file = str(tmp_path / "both.bin")
    first = up("first", pool_file=file)
    watch = which == "guest"
    if not watch:
        first.caches.folder.mkdir()
        (first.caches.folder / "control").touch()
    with pytest.raises(FamulusError, match="caches cannot share") as caught:
        up("second", pool_file=file, watch=watch)
    assert "--pool-file" in caught.value.hint


def test_homes_that_choose_at_the_same_time_get_two_pools(up, shared, home, monkeypatch):
    first = up()
    home("other")
    found = [shared / "fabric_em", place.own_place]
    monkeypatch.setattr(
        place, "choose", lambda me, *_: found.pop(0) if len(found) > 1 else found[0](me)
    )
    assert up().pool != first.pool
