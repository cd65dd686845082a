# SPDX-License-Identifier: GPL-2.0-or-later
"""The changes and settings that `up` refuses, before a template is built."""

from pathlib import Path

import pytest

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.fabric import doctor
from famulus.fabric import up as up_module
from famulus.fabric.fabric import Fabric
from famulus.fabric.hooks import NO_HOOKS
from famulus.fabric.up import _refuse_change, up
from famulus.host.finding import Finding
from famulus.pool.place import shared_place
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record

NAME = "changed"


@pytest.fixture(autouse=True)
def alive(monkeypatch):
    """A switch that says whether nodes run: `alive[0]`."""
    state = [True]
    monkeypatch.setattr(Fabric, "alive", lambda _: state[0])
    return state


def change(before: FabricSpec, after: FabricSpec) -> None:
    _refuse_change(Fabric(FabricFolder(NAME), Record(before, "")), after)


def test_default_pool_file_may_be_named():
    default = FabricSpec()
    change(default, FabricSpec(pool_file=shared_place(NAME)))


def test_other_pool_file_is_refused_while_nodes_run(alive):
    default = shared_place(NAME)
    with pytest.raises(FamulusError) as caught:
        change(FabricSpec(), FabricSpec(pool_file=Path("/p")))
    assert f"the pool file {default}; it cannot become /p now" in caught.value.brief
    assert caught.value.exit_code == 1
    alive[0] = False
    change(FabricSpec(), FabricSpec(pool_file=Path("/p")))


def test_settings_of_a_single_node_may_change_while_nodes_run():
    change(FabricSpec(), FabricSpec(memory=1 << 30, cpus=2, doorbell=True, accel="tcg", nodes=3))


@pytest.fixture
def no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """No template may be built. The host has what a fabric needs, whatever the test's host has."""
    monkeypatch.setattr(up_module, "ensure", lambda *_: pytest.fail("a template was built"))
    monkeypatch.setattr(up_module, "require", lambda _: None)


def refusal(**settings: object) -> FamulusError:
    with pytest.raises(FamulusError) as caught:
        up(NAME, {"nodes": 1, **settings}, None, Events(), NO_HOOKS)
    return caught.value


@pytest.mark.usefixtures("no_build")
def test_an_unusable_pool_is_found_before_a_build(tmp_path: Path, monkeypatch):
    pool = tmp_path / "pool"
    pool.write_bytes(b"precious")
    assert "is never shrunk or emptied" in refusal(pool_file=str(pool)).brief
    link = tmp_path / "link"
    link.symlink_to(pool)
    assert "symbolic link" in refusal(pool_file=str(link)).brief
    monkeypatch.setattr("os.geteuid", lambda: 3_000_000_000)
    assert "belongs to" in refusal(pool_file=str(pool)).brief


@pytest.mark.usefixtures("no_build")
def test_a_change_that_running_nodes_hold_fast_is_found_before_a_build():
    folder = FabricFolder(NAME)
    paths.make_private(folder.path)
    folder.write(Record(FabricSpec(), "template"))
    assert "cannot become 10.1.2.0/24 now" in refusal(subnet="10.1.2.0/24").brief


@pytest.mark.usefixtures("no_build")
def test_a_folder_of_sockets_that_is_not_private_is_found_before_a_build(monkeypatch):
    def not_private(_folder: Path) -> Path:
        raise FamulusError("not private")

    monkeypatch.setattr(paths, "socket_folder", not_private)
    assert refusal().brief == "not private"


def test_what_will_hurt_is_said_when_a_node_starts(monkeypatch):
    hurts = Finding("memory", "warning", "1 GiB available", "End other programs.")
    later = Finding("disk", "warning", "little room", "Free some.", for_build=True)
    fine = Finding("pool", "ok", "room")
    notes: list[str] = []
    monkeypatch.setattr(doctor, "check", lambda *_, **__: [hurts, later, fine])
    monkeypatch.setattr(Events, "note", lambda _, text: notes.append(text))
    up_module._refuse_early(FabricFolder(NAME), FabricSpec(), Events())
    assert notes == ["memory: 1 GiB available. End other programs."]
    monkeypatch.setattr(up_module, "_running", lambda *_: 1)
    up_module._refuse_early(FabricFolder(NAME), FabricSpec(), Events())
    assert len(notes) == 1, "no node starts"
