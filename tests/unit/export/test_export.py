# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus export`: refusals, targets, and the export of a small disk."""

import os
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.backend.qemu.runner import QemuRunner
from famulus.base import paths, waiting
from famulus.base.errors import FamulusError, UsageError
from famulus.export.formats import FORMATS, find_format
from famulus.export.image import edit
from famulus.export.image.debugfs import OFFSET
from famulus.export.targets import find_targets
from famulus.fabric.fabric import Fabric
from famulus.node.node import Node
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus.template.guest import guest_files
from famulus.template.recipe import Recipe
from famulus.transport import ssh
from tests.unit.command import famulus
from tests.unit.export.image import ext4

OLD = "0" * 16  # the template below the node's disk


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, an empty one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """`famulus export …`, in this process; returns the output."""

    def run(*words: str, code: int = 0) -> str:
        ended = famulus(monkeypatch, "export", *words)
        captured = capfd.readouterr()
        assert ended == code, captured
        assert (captured.out == "") == (code != 0)
        return captured.out.strip() if code == 0 else captured.err

    return run


def targets(output: object = None, *, force: bool = False, chosen: str = "qcow2") -> list[Path]:
    path = Path(str(output)) if output else None
    return find_targets(path, "fabric1", FORMATS[chosen].suffixes, force=force)


# Targets.


def test_each_format_has_its_suffix():
    assert [find_format(name).suffixes[0] for name in ("qcow2", "raw", "tar", "libvirt-xml")] == [
        ".qcow2",
        ".img",
        ".tar",
        ".xml",
    ]
    with pytest.raises(UsageError, match="there is no format 'zip'") as caught:
        find_format("zip")
    assert caught.value.hint == "The formats are qcow2, raw, tar, libvirt-xml."


def test_output_is_a_file_or_a_folder(here: Path, tmp_path: Path):
    assert targets() == [here / "fabric1.qcow2"]
    assert targets("name") == [here / "name"]
    assert targets(tmp_path) == [tmp_path / "fabric1.qcow2"]
    assert targets(tmp_path / "a b") == [tmp_path / "a b"]
    assert targets(chosen="libvirt-xml") == [here / "fabric1.xml", here / "fabric1.qcow2"]


def test_one_name_cannot_be_the_document_and_the_disk():
    with pytest.raises(UsageError, match="both the document and the disk") as caught:
        targets("x.qcow2", chosen="libvirt-xml")
    assert caught.value.hint == "Choose a name that ends in .xml."


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(FamulusError, match=f"there is no folder {tmp_path / 'missing'}") as caught:
        targets(tmp_path / "missing" / "file")
    assert "--output" in caught.value.hint


def test_an_unwritable_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(FamulusError, match="cannot be written to") as caught:
        targets(tmp_path)
    assert "--output" in caught.value.hint


@pytest.mark.parametrize("kind", [paths.templates, paths.snapshots, paths.fabrics])
def test_a_folder_of_famulus_is_refused(kind, tmp_path: Path):
    folder = kind() / "x"
    folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder)
    for output in (folder, folder / "disk.img", tmp_path / "link"):
        with pytest.raises(UsageError, match="is a folder of Famulus' own"):
            targets(output)


def test_an_existing_file_is_refused_without_force(here: Path):
    (here / "fabric1.qcow2").write_text("old")
    for chosen in ("qcow2", "libvirt-xml"):
        with pytest.raises(FamulusError, match=r"fabric1\.qcow2 is there already") as caught:
            targets(chosen=chosen)
        assert "--force replaces that file" in caught.value.hint
        assert here / "fabric1.qcow2" in targets(force=True, chosen=chosen)


def test_a_dangling_link_counts_as_existing(here: Path):
    (here / "link").symlink_to("nowhere")
    for force, expected in ((False, "is there already"), (True, "is no file")):
        with pytest.raises(FamulusError, match=expected):
            targets("link", force=force)


def test_force_replaces_files_only(here: Path):
    os.mkfifo(here / "pipe")
    with pytest.raises(FamulusError, match=f"{here}/pipe is no file"):
        targets("pipe", force=True)


# Refusals.


def qemu_img(*words: str) -> str:
    argv = ["qemu-img", *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def make_disks(folder: Path) -> tuple[Path, Path]:
    """A small template's disk, and a node's on top of it."""
    tree = folder / "tree"
    (tree / "home" / "fabric" / ".ssh").mkdir(parents=True)
    (tree / "etc" / "ssh").mkdir(parents=True)
    (tree / "etc" / "hostname").write_text("famulus\n")
    (tree / "home" / "fabric" / "mine").write_text("written in the node")
    (tree / "home" / "fabric" / ".ssh" / "authorized_keys").write_text("the user's own")
    base = ext4.make_disk(tree, paths.make_private(paths.templates() / OLD) / "disk.img")
    (base.parent / "template.json").write_text('{"suite": "trixie", "kernel": "cloud"}')
    with base.open("r+b") as file:
        file.write(b"boot loader")
    node = folder / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", "-b", str(base), "-F", "raw", str(node))
    return base, node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """The first of two nodes; only it has a disk."""
    folder = FabricFolder("fabric")
    spec = FabricSpec(nodes=2)
    folder.node(1).mkdir(parents=True)
    folder.write(Record(spec, OLD))
    ssh.ensure_key(folder.path / "id_ed25519", "fabric")
    first = Fabric(folder, Record(spec, "")).node(1)
    make_disks(tmp_path)[1].rename(first.disk)
    (first.path / "template").write_text(OLD)
    yield first
    folder.remove()


@pytest.mark.usefixtures("node")
def test_wrong_usage_changes_nothing(export, here: Path):
    assert "there is no format 'zip'" in export("1", "--format", "zip", code=2)
    assert "there is no node fabric9" in export("9", code=2)
    assert "names 2 nodes" in export("all", code=2)
    export("--force", code=2)
    export(code=2)
    assert list(here.iterdir()) == []


def test_a_missing_fabric_is_named(export):
    assert "there is no fabric 'fabric'" in export("1", code=1)
    assert not paths.fabrics().exists()


@pytest.mark.usefixtures("node")
def test_a_node_without_a_disk_is_refused(export):
    said = export("2", code=1)
    assert "fabric2 has no disk yet" in said
    assert "`famulus up` gives the node a disk" in said


@pytest.mark.parametrize("state", ["running", "paused", "hung"])
@pytest.mark.usefixtures("node")
def test_a_node_that_is_not_stopped_is_refused(
    export, here: Path, monkeypatch: pytest.MonkeyPatch, state: str
):
    monkeypatch.setattr(QemuRunner, "state", lambda _: state)
    said = export("1", code=1)
    assert f"fabric1 is {state}, and its disk changes" in said
    assert "`famulus node stop 1` first" in said
    assert list(here.iterdir()) == []


def test_a_missing_template_is_named(export):
    said = export("template", code=1)
    assert "the template is not built yet" in said
    assert "`famulus template build`" in said


# The results of an export of a small disk.


def check_node_disk(disk: Path, node: Node) -> None:
    assert disk.read_bytes()[:11] == b"boot loader"
    assert ext4.cat(disk, "/etc/hostname") == b"fabric1\n"
    assert b"127.0.1.1 fabric1\n" in ext4.cat(disk, "/etc/hosts")
    assert b"nameserver 10.0.2.3\n" in ext4.cat(disk, "/etc/resolv.conf")
    assert ext4.cat(disk, "/home/fabric/mine") == b"written in the node"
    assert ext4.cat(disk, "/home/fabric/.ssh/authorized_keys") == b"the user's own"
    key = (node.path / "ssh_host_ed25519_key").read_bytes()
    assert ext4.cat(disk, "/etc/ssh/ssh_host_ed25519_key") == key
    assert len(ext4.cat(disk, "/etc/machine-id").strip()) == 32
    # A file that the node's agent had not written yet.
    fabric_key = (node.folder.path / "id_ed25519").read_bytes()
    assert ext4.cat(disk, "/root/.ssh/id_ed25519") == fabric_key
    assert ext4.problems(disk) == ""


def raw_of(qcow2: Path) -> Path:
    raw = qcow2.with_suffix(".from-qcow2")
    qemu_img("convert", "-f", "qcow2", "-O", "raw", str(qcow2), str(raw))
    return raw


def test_a_raw_disk_has_the_contents(export, node: Node, here: Path):
    before = node.disk.read_bytes()
    assert export("1", "--format", "raw") == str(here / "fabric1.img")
    check_node_disk(here / "fabric1.img", node)
    assert node.disk.read_bytes() == before
    assert list(here.iterdir()) == [here / "fabric1.img"]
    assert (here / "fabric1.img").stat().st_mode & 0o777 == 0o600


def test_qcow2_is_the_default(export, node: Node, here: Path):
    (here / "x").write_text("old")
    assert export("fabric1", "-o", "x", "--force") == str(here / "x")
    check_node_disk(raw_of(here / "x"), node)
    info = qemu_img("info", "x")
    assert "file format: qcow2" in info
    assert "backing file" not in info


def test_a_tar_has_every_file(export, node: Node, here: Path):
    export("1", "--format", "tar")
    with tarfile.open(here / "fabric1.tar") as archive:
        host_name = archive.extractfile("./etc/hostname")
        assert host_name
        assert host_name.read() == b"fabric1\n"
        assert archive.getmember("./etc/ssh/ssh_host_ed25519_key").mode == 0o600
        assert archive.getmember("./home/fabric/.ssh/id_ed25519").uid == 1000
    assert node.disk.exists()


@pytest.mark.parametrize("name", ["disk.img", "work", "result0", "with space", "x" * 255])
@pytest.mark.usefixtures("node")
def test_a_target_may_have_any_name(export, here: Path, name: str):
    for chosen in ("raw", "qcow2", "tar"):
        export("1", "--format", chosen, "-o", name, "--force")
        assert list(here.iterdir()) == [here / name]


def test_a_killed_clone_gets_its_files(export, node: Node, here: Path, tmp_path: Path):
    base = paths.templates() / OLD / "disk.img"
    (tmp_path / "block").write_bytes(b"in the journal".ljust(1024))
    block = int(ext4.debugfs(base, "bmap /home/fabric/mine 0"))
    ext4.interrupt_write(base, block, tmp_path / "block")
    export("1", "--format", "raw")
    assert ext4.cat(here / "fabric1.img", "/home/fabric/mine") == b"in the journal     "
    assert ext4.problems(here / "fabric1.img") == ""
    assert node.disk.exists()


def test_the_template_is_exported(export, tmp_path: Path, here: Path):
    digest = Recipe.from_spec(FabricSpec()).digest(guest_files())
    folder = paths.templates() / digest
    folder.mkdir(parents=True)
    make_disks(tmp_path)[0].rename(folder / "disk.img")
    (folder / "template.json").write_text(
        f'{{"digest": "{digest}", "suite": "trixie", "kernel": "cloud"}}'
    )
    before = (folder / "disk.img").read_bytes()
    assert export("template", "--format", "raw") == str(here / "fabric_template.img")
    disk = here / "fabric_template.img"
    assert ext4.cat(disk, "/etc/hostname") == b"famulus\n"
    assert b"nameserver 192.168.122.1\n" in ext4.cat(disk, "/etc/resolv.conf")
    assert ext4.problems(disk) == ""
    assert (folder / "disk.img").read_bytes() == before


# Failures half-way.


def test_a_damaged_disk_is_refused(export, node: Node, here: Path):
    with (paths.templates() / OLD / "disk.img").open("r+b") as file:
        file.seek(OFFSET + 2048)
        file.write(b"\xa5" * 300_000)
    (here / "fabric1.qcow2").write_text("old")
    assert "is damaged" in export("1", "--force", code=1)
    assert (here / "fabric1.qcow2").read_text() == "old"
    assert list(here.iterdir()) == [here / "fabric1.qcow2"]
    assert node.disk.exists()


@pytest.mark.parametrize("chosen", list(FORMATS))
@pytest.mark.usefixtures("node")
def test_an_interrupt_leaves_nothing(
    export, here: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
):
    real = edit.edit_commands

    def interrupted(*arguments):
        waiting.interrupt(signal.SIGINT)
        return real(*arguments)

    monkeypatch.setattr(edit, "edit_commands", interrupted)
    export("1", "--format", chosen, code=130)
    assert list(here.iterdir()) == []


@pytest.mark.usefixtures("node")
def test_missing_room_is_reported(export, here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("famulus.export.image.output.free_bytes", lambda _: 4096)
    said = export("1", code=1)
    assert f"no space left in {here}: up to" in said
    assert "write to a folder on a larger disk" in said
    assert list(here.iterdir()) == []
