# SPDX-License-Identifier: GPL-2.0-or-later
"""A snapshot of an earlier release names its template absolutely, and its home is moved."""

import json
import subprocess
import threading
from pathlib import Path

import pytest

from famulus.backend.disk import lies_on, make_overlay
from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.snapshot import store
from famulus.snapshot.settle import settle
from famulus.snapshot.sums import sums_of
from famulus.template.store import Template

NAME = "a" * 16
FILES = ("ram", "state", "disk.qcow2", "overlay.qcow2")


@pytest.fixture
def template() -> Template:
    folder = paths.make_private(paths.templates() / "t")
    (folder / "disk.img").write_bytes(bytes(1 << 20))
    return Template(folder, "trixie", "cloud")


@pytest.fixture
def disk(template: Template) -> Path:
    """The disk of a snapshot whose name for its template leads nowhere."""
    folder = paths.make_private(paths.snapshots() / NAME)
    for name in FILES:
        make_overlay(template.disk, "raw", folder / name, 1 << 20)
    argv = ["qemu-img", "rebase", "-u", "-F", "raw", "-b", "/gone/disk.img"]
    subprocess.run([*argv, str(folder / "disk.qcow2")], check=True)
    (folder / "disk.qcow2").chmod(0o400)
    record = {"template": "t", "memory": 1, "cpus": 1, "accel": "tcg", "pool": 1, "place": 1}
    record |= {"id": "first", "sums": sums_of(folder, FILES)}
    (folder / "snapshot.json").write_text(json.dumps(record))
    return folder / "disk.qcow2"


def test_the_disk_names_its_template_and_the_sums_are_right(disk, template):
    assert not lies_on(disk, template.disk)
    threads = [threading.Thread(target=settle, args=(NAME, template)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lies_on(disk, template.disk)
    assert disk.stat().st_mode & 0o777 == 0o400
    snapshot = store.find(NAME)
    assert snapshot
    assert snapshot.identity == "first"


def test_a_right_name_stays(disk, template):
    settle(NAME, template)
    before = disk.stat().st_mtime_ns
    assert settle(NAME, template) == disk
    assert disk.stat().st_mtime_ns == before


def test_a_removed_snapshot_is_an_error(template):
    with pytest.raises(FamulusError, match="cannot read the disk"):
        settle(NAME, template)
