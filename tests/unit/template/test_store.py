# SPDX-License-Identifier: GPL-2.0-or-later
"""Finished templates are found, and prune removes all others that are not in use."""

import json
import os
import shutil
from pathlib import Path

import pytest

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.state.below import Base, note_below
from famulus.template import store
from famulus.template.scratch import make_scratch, remove_build

ONE, TWO, THREE = "1" * 16, "2" * 16, "abcdef0123456789"


def make(digest: str, folder: Path | None = None) -> Path:
    folder = folder or paths.templates() / digest
    folder.mkdir(parents=True)
    (folder / "disk.img").write_bytes(b"x" * 8192)
    record = {"digest": digest, "suite": "trixie", "kernel": "cloud"}
    (folder / "template.json").write_text(json.dumps(record))
    return folder


def digests() -> list[str]:
    return [template.digest for template in store.all_templates()]


def test_a_finished_template_is_found(famulus_home):
    folder = make(ONE)
    template = store.find(ONE)
    assert template == store.Template(folder, "trixie", "cloud")
    assert template.digest == ONE
    assert template.disk == famulus_home / "templates" / ONE / "disk.img"
    assert (template.kernel.name, template.initrd.name) == ("vmlinuz", "initrd")
    assert template.size >= 8192


def test_a_missing_folder_has_no_templates():
    assert store.all_templates() == []
    assert store.find(ONE) is None
    assert store.prune(set()) == 0


@pytest.mark.parametrize("record", [None, "", "{", "{}", "[]", "7", '{"suite": "trixie"}', "\xff"])
def test_an_incomplete_record_means_no_template(record):
    folder = make(ONE)
    (folder / "template.json").unlink()
    if record is not None:
        (folder / "template.json").write_text(record, encoding="latin-1")
    assert store.find(ONE) is None
    assert digests() == []


def test_a_build_is_no_template_although_its_record_is_written():
    make(ONE)
    make(TWO, store.vault().building(TWO))
    assert digests() == [ONE]


def test_prune_keeps_templates_in_use():
    make(ONE)
    make(TWO)
    make(THREE)
    assert store.prune({TWO}) >= 16384
    assert digests() == [TWO]
    assert store.prune({TWO}) == 0


def test_a_template_below_a_disk_is_neither_pruned_nor_replaced():
    folder = make(ONE)
    node = paths.make_private(paths.fabrics() / "f" / "node1")
    note_below(node, Base(ONE))
    assert store.prune(set()) == 0
    (folder / "template.json").write_text("{")  # as after a fault of the disk
    with pytest.raises(FamulusError, match="disks may lie on it"):
        store.vault().remove(ONE)
    assert (folder / "disk.img").exists()
    shutil.rmtree(node)
    assert store.prune(set()) > 0


def test_prune_keeps_a_locked_build():
    folder = make(ONE, store.vault().building(ONE))
    with store.vault().locked(ONE, lambda: None):
        assert store.prune(set()) == 0
        assert folder.exists()


def test_prune_removes_the_remains_of_killed_processes():
    make(ONE, store.vault().building(ONE))
    (make(TWO) / "template.json").unlink()
    store.vault().lock_path(THREE).touch()
    (paths.templates() / "last-failed-build.log").touch()
    assert store.prune(set()) >= 16384
    assert [path.name for path in paths.templates().iterdir()] == ["last-failed-build.log"]


def test_prune_keeps_other_folders():
    mine = paths.make_private(paths.templates() / "my-notes")
    make("x", mine / "deeper")
    store.prune(set())
    assert (mine / "deeper/disk.img").exists()


def test_remove_removes_the_record_first():
    folder = make(ONE)
    seen: list[bool] = []
    original = shutil.rmtree

    def rmtree(path, **options):
        if path == folder:
            seen.append((folder / "template.json").exists())
        original(path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "rmtree", rmtree)
        store.vault().remove(ONE)
    assert seen == [False]


def test_a_lock_whose_file_was_removed_excludes_nobody():
    """A prune may remove the file between another's open and lock."""
    paths.make_private(paths.templates())
    with store.vault().locked(ONE, lambda: None):
        store.vault().lock_path(ONE).unlink()
        with store.vault().locked_if_free(ONE) as free:
            assert free
            with store.vault().locked_if_free(ONE) as again:
                assert not again


def test_a_mapped_user_can_reach_the_scratch_folder_and_the_build_finds_it(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() or 1)
    build = paths.make_private(tmp_path / "home/build")
    scratch = make_scratch(build)
    assert not scratch.is_relative_to(build)
    assert scratch.stat().st_mode & 0o777 == 0o711
    assert (build / "scratch").readlink() == scratch
    monkeypatch.undo()
    remove_build(build)
    assert not build.exists()
    assert not scratch.exists()


def test_scratch_of_root_is_removed_with_the_build(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    scratch = make_scratch(tmp_path)
    assert scratch == tmp_path / "scratch"
    (scratch / "deep").mkdir()
    remove_build(tmp_path)
    assert not tmp_path.exists()


def test_a_second_removal_is_no_error(tmp_path):
    remove_build(tmp_path / "none")
    remove_build(tmp_path / "none")
