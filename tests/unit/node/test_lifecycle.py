# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, stop and kill a node on a back end that runs nothing."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from famulus.backend.disk import backing_chain, backing_name, make_overlay
from famulus.backend.machine import LaunchError
from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.node import disk, lifecycle
from famulus.node.lifecycle import Original, RestoreError
from famulus.node.machine import running_settings
from famulus.node.node import Node
from famulus.pool.file import Pool
from famulus.settings.spec import FabricSpec
from famulus.snapshot.store import Snapshot
from famulus.state.below import Base, below, note_below
from famulus.state.folder import FabricFolder

POOL = Pool(Path("/dev/shm/pool"))


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Node:
    """A node that is off; its back end is a mock."""
    backend = Mock()
    backend.doorbells = True
    backend.sockets.return_value = tmp_path / "sockets"
    backend.runner.return_value.state.return_value = "stopped"
    backend.runner.return_value.last_words.return_value = ""
    monkeypatch.setattr(lifecycle, "machine", lambda *_: "the machine")
    made = Node(FabricFolder("f"), 1, FabricSpec(), backend, POOL)
    made.path.mkdir(parents=True)
    return made


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    folder = tmp_path / "snapshots" / ("a" * 16)
    folder.mkdir(parents=True)
    make_overlay(folder / "disk.qcow2", "qcow2", folder / "overlay.qcow2", 1 << 20)
    (folder / "serial.log").write_text("printed\n")
    return Snapshot(folder, "b" * 16, 1, 1, "tcg", 1, 7, "made-once", "built-once")


def runner(node: Node) -> Mock:
    found = node.runner
    assert isinstance(found, Mock)
    return found


def test_a_start_ends_a_stopped_machine_and_stores_the_settings(node: Node):
    lifecycle.start(node, "tcg")
    assert [call[0] for call in runner(node).method_calls] == ["kill", "start"]
    assert running_settings(node)["accel"] == "tcg"


def test_a_clone_gets_a_disk_on_the_snapshot(node: Node, snapshot: Snapshot):
    runner(node).clone.return_value = "fabric1"
    name = lifecycle.start_clone(node, Original(snapshot, b"request"), "tcg")
    assert name == "fabric1"
    machine, frozen, request = runner(node).clone.call_args.args
    assert (machine, request) == ("the machine", b"request")
    assert (frozen.ram, frozen.place) == (snapshot.ram, 7)
    assert node.disk.stat().st_mode & 0o777 == 0o600
    assert backing_name(node.disk.read_bytes()) == str(snapshot.disk)
    assert node.serial_log.read_text().startswith("printed\n[cloned from the snapshot ")
    assert (node.template(), node.snapshot()) == ("b" * 16, "a" * 16)
    assert below(node.path, "template") == Base("b" * 16, "built-once")
    assert below(node.path, "snapshot") == Base("a" * 16, "made-once")


def test_memory_of_a_clone_has_a_path_without_links(node: Node, snapshot: Snapshot, tmp_path: Path):
    (tmp_path / "link").symlink_to(snapshot.folder.parent)
    linked = replace(snapshot, folder=tmp_path / "link" / snapshot.folder.name)
    lifecycle.start_clone(node, Original(linked, b""), "tcg")
    assert runner(node).clone.call_args.args[1].ram == snapshot.ram


@pytest.mark.parametrize("method", ["clone", "restore"])
def test_a_failed_clone_leaves_neither_a_machine_nor_a_disk(
    node: Node, snapshot: Snapshot, method: str
):
    getattr(runner(node), method).side_effect = FamulusError("QEMU refused")
    runner(node).last_words.return_value = "last words"
    start = {
        "clone": lambda: lifecycle.start_clone(node, Original(snapshot, b""), "tcg"),
        "restore": lambda: lifecycle.start_bare_clone(node, snapshot, "tcg"),
    }
    with pytest.raises(RestoreError, match="QEMU refused") as caught:
        start[method]()
    assert caught.value.details == "last words"
    assert runner(node).method_calls[-1][0] == "kill"
    assert not node.has_disk()
    assert node.serial_log.exists()


def test_a_machine_that_does_not_start_says_nothing_about_the_snapshot(
    node: Node, snapshot: Snapshot
):
    runner(node).clone.side_effect = LaunchError("cannot allocate memory")
    with pytest.raises(LaunchError, match="cannot allocate memory"):
        lifecycle.start_clone(node, Original(snapshot, b""), "tcg")
    assert not node.has_disk()


def test_a_node_that_hangs_is_not_shut_down(node: Node):
    runner(node).state.return_value = "hung"
    with pytest.raises(FamulusError, match="fabric1 does not answer") as caught:
        lifecycle.stop(node)
    assert "famulus node kill 1" in caught.value.hint


def test_a_paused_node_goes_on_before_it_shuts_down(node: Node, monkeypatch: pytest.MonkeyPatch):
    asked = Mock()
    monkeypatch.setattr(lifecycle, "ask", asked)
    runner(node).state.return_value = "paused"
    lifecycle.stop(node)
    assert runner(node).resume.called
    assert asked.call_args.args[:2] == (node.socket("agent"), b"poweroff\n")
    assert runner(node).wait_gone.called


def test_only_a_running_node_can_be_paused(node: Node):
    with pytest.raises(FamulusError, match="fabric1 is stopped"):
        node.pause()
    with pytest.raises(FamulusError, match="fabric1 is stopped"):
        node.resume()
    runner(node).state.return_value = "running"
    node.pause()
    assert runner(node).pause.called


def test_a_removed_node_is_forgotten_by_its_back_end(node: Node):
    disk.remove_disk(node)
    assert isinstance(node.backend, Mock)
    node.backend.forget.assert_called_once_with(node.path)
    assert not node.path.exists()


def test_a_forgotten_disk_leaves_the_log(node: Node):
    for name in ("template", "snapshot", "passwords", "disk.qcow2", "serial.log"):
        (node.path / name).write_text("x")
    disk.forget_disk(node)
    assert [path.name for path in node.path.iterdir()] == ["serial.log"]


def test_the_images_below_a_disk_are_stored(tmp_path: Path):
    assert below(tmp_path, "template") is None
    assert below(tmp_path, "snapshot") is None
    note_below(tmp_path, Base("t", "1"))
    assert (below(tmp_path, "template"), below(tmp_path, "snapshot")) == (Base("t", "1"), None)
    note_below(tmp_path, Base("t"), Base("s", "2"))
    assert (below(tmp_path, "template"), below(tmp_path, "snapshot")) == (Base("t"), Base("s", "2"))


def make_overlays(node: Node) -> None:
    """Make real disks: the node's on the snapshot's on the template's."""
    below_it, mine = paths.templates() / "t/disk.img", paths.snapshots() / "s/disk.qcow2"
    below_it.write_bytes(bytes(1 << 20))
    make_overlay(below_it, "raw", mine, 1 << 20)
    make_overlay(mine, "qcow2", node.disk, 1 << 20)


def store_base(root: Path, name: str, record: str, **content: object) -> None:
    (paths.make_private(root / name) / record).write_text(json.dumps(content))


def store_bases(template: str = "1", snapshot: str = "2") -> None:
    root, above = paths.templates(), paths.snapshots()
    store_base(root, "t", "template.json", id=template, suite="s", kernel="k")
    store_base(above, "s", "snapshot.json", id=snapshot, sums={})


def test_a_disk_starts_over_the_builds_that_it_was_made_on(node: Node):
    note_below(node.path, Base("t", "1"), Base("s", "2"))
    store_bases()
    make_overlays(node)
    assert disk.require_bases(node).digest == "t"
    note_below(node.path, Base("t"), Base("s"))  # by an earlier release
    assert disk.require_bases(node).digest == "t"


def test_a_disk_finds_its_bases_after_a_move(node: Node):
    """Disks of earlier releases have absolute names, which led to the old place."""
    note_below(node.path, Base("t", "1"), Base("s", "2"))
    store_bases()
    make_overlays(node)
    snapshot = paths.snapshots() / "s/disk.qcow2"
    for path, kind in ((node.disk, "qcow2"), (snapshot, "raw")):
        argv = ["qemu-img", "rebase", "-u", "-F", kind, "-b", f"/old/place.{kind}", str(path)]
        subprocess.run(argv, check=True)
    disk.require_bases(node)
    assert backing_chain(node.disk) == [
        (snapshot, "qcow2"),
        (paths.templates() / "t/disk.img", "raw"),
    ]


@pytest.mark.parametrize(
    ("builds", "message"),
    [
        ({"template": "another"}, "the template t, below its disk, was made anew since"),
        ({"snapshot": "another"}, "the snapshot s, below its disk, was made anew since"),
    ],
)
def test_a_disk_does_not_start_over_another_build(node: Node, builds, message):
    note_below(node.path, Base("t", "1"), Base("s", "2"))
    store_bases(**builds)
    with pytest.raises(FamulusError, match=message):
        disk.require_bases(node)


@pytest.mark.parametrize(
    ("gone", "message"),
    [("templates/t", "the template t, below its"), ("snapshots/s", "the snapshot s, below its")],
)
def test_a_disk_does_not_start_without_its_bases(node: Node, gone, message, famulus_home):
    note_below(node.path, Base("t", "1"), Base("s", "2"))
    store_bases()
    shutil.rmtree(famulus_home / gone)
    with pytest.raises(FamulusError, match=f"fabric1: {message} disk, is gone") as caught:
        disk.require_bases(node)
    assert "node reset" in caught.value.hint


def test_a_host_that_cannot_read_finds_no_missing_disk(node: Node):
    """A node whose disk seems missing would get a new one in its place."""
    (node.path / "template").mkdir()
    with pytest.raises(FamulusError, match="cannot read"):
        node.has_disk()


def test_a_new_disk_needs_its_template(node: Node):
    with pytest.raises(FamulusError, match="template, which new disks are made from, is gone"):
        disk.make_disk(node, None)
