# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots: their digests, their check sums, and which of them prune keeps."""

import errno
import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.host import accelerator
from famulus.snapshot import freeze, key, store, sums
from famulus.snapshot.key import Key
from famulus.state.below import Base, note_below
from famulus.template.store import Template

ONE, TWO = "1" * 16, "2" * 16
FILES = ("ram", "state", "disk.qcow2", "overlay.qcow2")
KEY = Key(Template(Path("/t/aaaa"), "trixie", "cloud"), "tcg", 512 << 20, 1)


@pytest.fixture(autouse=True)
def qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key, "program_version", lambda _: "QEMU emulator version 10.0.2")


def make(digest: str) -> Path:
    folder = paths.snapshots() / digest
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes(name.encode() * 3000)
    with (folder / "ram").open("r+b") as ram:
        ram.truncate(1 << 20)
    for name in FILES:  # so that no later change falls into the same tick of the clock
        os.utime(folder / name, (1, 1))
    record = {
        "template": "t" * 16,
        "memory": 512 << 20,
        "cpus": 1,
        "accel": "tcg",
        "pool": 1 << 30,
        "place": 1 << 40,
        "sums": sums.sums_of(folder, FILES),
    }
    (folder / "snapshot.json").write_text(json.dumps(record))
    return folder


def test_equal_keys_have_equal_digests():
    assert KEY.digest() == replace(KEY).digest()
    assert len(KEY.digest()) == 16


@pytest.mark.parametrize(
    "change",
    [
        {"template": Template(Path("/t/bbbb"), "trixie", "cloud")},
        {"accel": "kvm"},
        {"memory": 1 << 30},
        {"cpus": 2},
        {"pool": 1 << 30},
    ],
)
def test_a_digest_changes_with_the_machine(change):
    assert replace(KEY, **change).digest() != KEY.digest()


def test_a_digest_changes_with_qemu(monkeypatch):
    before = KEY.digest()
    monkeypatch.setattr(key, "program_version", lambda _: "QEMU emulator version 10.0.3")
    assert KEY.digest() != before


def test_a_digest_changes_with_the_host_cpu_only_under_kvm(monkeypatch):
    kvm = replace(KEY, accel="kvm")
    before = KEY.digest(), kvm.digest()
    monkeypatch.setattr(key, "cpu_features", lambda: "another CPU")
    assert KEY.digest() == before[0]
    assert kvm.digest() != before[1]


def test_a_digest_does_not_depend_on_where_templates_lie():
    elsewhere = Template(Path("/elsewhere/aaaa"), "trixie", "cloud")
    assert replace(KEY, template=elsewhere).digest() == KEY.digest()


def test_cpu_features_are_those_of_the_host(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name\t: X\ncpu MHz : 1\nflags\t\t: fpu\n" * 2)
    assert accelerator.cpu_features(cpuinfo) == "flags\t\t: fpu\nmodel name\t: X"


def test_a_finished_snapshot_is_found():
    folder = make(ONE)
    snapshot = store.find(ONE)
    assert snapshot
    assert (snapshot.folder, snapshot.digest, snapshot.memory) == (folder, ONE, 512 << 20)
    assert snapshot.ram == folder / "ram"
    assert snapshot.size >= 4096
    assert store.all_snapshots() == [snapshot]
    assert store.find(TWO) is None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["flip", "truncate", "grow", "remove", "move"])
@pytest.mark.parametrize("seen_before", [False, True])
def test_a_damaged_snapshot_is_not_found(name, harm, seen_before):
    folder = make(ONE)
    if seen_before:
        assert store.find(ONE)
    path = folder / name
    data = bytearray(path.read_bytes())
    if harm == "flip":
        data[1234] ^= 1
        path.write_bytes(data)
    elif harm == "truncate":
        os.truncate(path, len(data) - 1)
    elif harm == "grow":
        os.truncate(path, len(data) + 1)
    elif harm == "remove":
        path.unlink()
    else:
        path.write_bytes(bytes(4096) + data[:-4096])
    assert store.find(ONE) is None


@pytest.mark.parametrize("sparse", ["always", "never"])
def test_a_copy_with_other_holes_is_the_same_snapshot(sparse, famulus_home):
    folder = make(ONE)
    with (folder / "ram").open("r+b") as ram:
        ram.seek(300_000)
        ram.write(bytes(100_000))  # zeros that are no hole
        ram.truncate((1 << 20) + 77)
    record = json.loads((folder / "snapshot.json").read_text())
    record["sums"] = sums.sums_of(folder, FILES)
    (folder / "snapshot.json").write_text(json.dumps(record))
    copy = famulus_home.with_name("copy")
    subprocess.run(["cp", "-r", f"--sparse={sparse}", famulus_home, copy], check=True)
    shutil.rmtree(famulus_home)
    copy.rename(famulus_home)
    assert store.find(ONE)
    os.truncate(folder / "ram", 1 << 20)
    assert store.find(ONE) is None


def test_sums_of_release_0_1_0_hold():
    folder = make(ONE)
    record = json.loads((folder / "snapshot.json").read_text())
    record["sums"] = {name: sums._sum_of_pieces(folder / name) for name in FILES}
    (folder / "snapshot.json").write_text(json.dumps(record))
    assert record["sums"]["state"] == "15000 f9f3941e"
    assert store.find(ONE)


def test_a_damaged_snapshot_is_logged(caplog):
    (make(ONE) / "state").unlink()
    assert store.find(ONE) is None
    assert f"the snapshot {ONE} is damaged" in caplog.text


def test_a_host_that_cannot_read_a_snapshot_finds_no_damage(monkeypatch):
    folder = make(ONE)

    def fail(*_):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(sums, "_sum", fail)
    with pytest.raises(FamulusError, match="cannot check the files"):
        store.find(ONE)
    assert (folder / "snapshot.json").exists()


def test_a_full_disk_is_no_damage():
    folder = make(ONE)
    (folder / "verified").mkdir()  # the result of the check cannot be stored
    assert store.find(ONE)


@pytest.mark.parametrize(
    ("snapshot", "template", "fits"),
    [
        ({"template_id": "1"}, {"id": "1"}, True),
        ({"template_id": "1"}, {"id": "2"}, False),
        ({"created": "2026-02"}, {"created": "2026-01"}, True),
        ({"created": "2026-02"}, {"created": "2026-03", "id": "2"}, False),
        ({"template_id": "1"}, None, True),  # nothing is cloned without a template
    ],
)
def test_a_snapshot_fits_on_one_build_of_its_template(snapshot, template, fits):
    """Memory that knows another build's blocks would destroy the file system."""
    folder = make(ONE)
    record = json.loads((folder / "snapshot.json").read_text())
    (folder / "snapshot.json").write_text(json.dumps({**record, **snapshot}))
    if template:
        below = paths.make_private(paths.templates() / record["template"])
        (below / "template.json").write_text(json.dumps(template))
    assert (store.find(ONE) is not None) == fits


def test_names_of_a_keys_snapshots():
    assert store.newest(ONE) == ONE
    make(ONE)
    make(TWO)
    assert store.newest(ONE) == ONE
    assert store.following(ONE) == f"{ONE}-2"
    make(f"{ONE}-2")
    make(f"{ONE}-10")
    assert store.newest(ONE) == f"{ONE}-10"
    assert store.following(f"{ONE}-10") == f"{ONE}-11"
    assert store.find(f"{ONE}-2")
    assert store.prune({ONE}) > 0
    assert [snapshot.digest for snapshot in store.all_snapshots()] == [ONE]


@pytest.fixture
def made(monkeypatch):
    """The names of the snapshots that are made; no machine runs."""
    names: list[str] = []

    def make_here(_key, name, _events):
        store.vault().remove(name)
        make(name)
        names.append(name)

    monkeypatch.setattr(freeze, "_make", make_here)
    monkeypatch.setattr(freeze, "settle", lambda *_: None)  # these disks are no disks
    return names


def damage(folder: Path) -> None:
    (folder / "state").unlink()


def lay_disk_on(name: str) -> Path:
    node = paths.make_private(paths.fabrics() / "f" / "node1")
    note_below(node, Base("t" * 16), Base(name))
    return node


def test_a_damaged_snapshot_is_replaced_only_if_no_disk_lies_on_it(made):
    digest = KEY.digest()
    damage(make(digest))
    node = lay_disk_on(digest)
    assert freeze.ensure(KEY, Events()).digest == f"{digest}-2"
    assert freeze.ensure(KEY, Events()).digest == f"{digest}-2"
    assert (paths.snapshots() / digest / "disk.qcow2").exists()
    shutil.rmtree(node)
    damage(paths.snapshots() / f"{digest}-2")
    assert freeze.ensure(KEY, Events()).digest == f"{digest}-2"
    assert made == [f"{digest}-2", f"{digest}-2"]


def test_another_snapshot_leaves_the_first(made):
    first = freeze.ensure(KEY, Events())
    second = freeze.another(KEY, Events())
    assert made == [first.digest, second.digest]
    assert freeze.ensure(KEY, Events()) == second
    freeze.discard(second)
    assert freeze.ensure(KEY, Events()) == first


def test_a_snapshot_below_a_disk_is_not_discarded(made):
    snapshot = freeze.ensure(KEY, Events())
    lay_disk_on(snapshot.digest)
    freeze.discard(snapshot)
    assert made == [snapshot.digest]
    assert store.find(snapshot.digest)


def test_a_verified_snapshot_is_not_read_again(monkeypatch):
    make(ONE)
    assert store.find(ONE)
    monkeypatch.setattr(sums, "_sum", lambda *_: pytest.fail("it is read again"))
    assert store.find(ONE)


def test_a_snapshot_is_read_again_after_a_boot_of_the_host(monkeypatch, tmp_path):
    make(ONE)
    assert store.find(ONE)
    (tmp_path / "boot_id").write_text("another\n")
    monkeypatch.setattr(sums, "_BOOT_ID", tmp_path / "boot_id")
    monkeypatch.setattr(sums, "_sum", lambda *_: "")  # no file has this sum
    assert store.find(ONE) is None


@pytest.mark.parametrize("record", ["", "{", "{}", "[]", '{"template": "x"}'])
def test_an_incomplete_record_means_no_snapshot(record):
    (make(ONE) / "snapshot.json").write_text(record)
    assert store.find(ONE) is None


def test_the_longest_unused_snapshots_are_removed():
    digests = [f"{number:016x}" for number in range(12)]
    for age, digest in enumerate(digests):
        os.utime(make(digest) / "snapshot.json", (age, age))
    assert store.prune_surplus({digests[0]}) > 0
    kept = sorted(snapshot.digest for snapshot in store.all_snapshots())
    assert kept == [digests[0], *digests[-store.KEPT :]]
    first = store.find(digests[-store.KEPT])
    assert first
    first.used()
    make("f" * 16)
    os.utime(paths.snapshots() / ("f" * 16) / "snapshot.json", (100, 100))
    store.prune_surplus(set())
    assert store.find(first.digest)


def test_prune_keeps_snapshots_in_use():
    make(ONE)
    make(TWO)
    assert store.prune({TWO}) > 0
    assert [snapshot.digest for snapshot in store.all_snapshots()] == [TWO]
