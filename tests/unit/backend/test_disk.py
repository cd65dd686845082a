# SPDX-License-Identifier: GPL-2.0-or-later
"""Overlays name their backing files; qemu-img itself makes and reads them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from famulus.backend import disk
from famulus.base.errors import FamulusError

SIZE = 1 << 30


def template(home: Path) -> Path:
    """Make a raw image that stands for a template's disk."""
    path = home / "templates/t/disk.img"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(b"root file system")
        file.truncate(SIZE)
    return path


def overlay(home: Path, *folders: str) -> Path:
    folder = home.joinpath(*folders)
    folder.mkdir(parents=True)
    return folder / "disk.qcow2"


def chain(path: Path) -> list[Path]:
    """Return the images of the chain as qemu-img finds them."""
    argv = ["qemu-img", "info", "--output=json", "--backing-chain", str(path)]
    found = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return [Path(image["filename"]).resolve() for image in found]


@pytest.fixture
def three(famulus_home: Path) -> list[Path]:
    """A template, a snapshot's disk on it, and a node's disk on that, in one home."""
    base = template(famulus_home)
    middle = overlay(famulus_home, "snapshots", "s")
    disk.make_overlay(base, "raw", middle, SIZE)
    disk.make_overlay(middle, "qcow2", middle.with_name("overlay.qcow2"), SIZE)
    top = overlay(famulus_home, "fabrics", "f", "node1")
    disk.copy_overlay(middle.with_name("overlay.qcow2"), middle, top)
    return [top, middle, base]


def test_a_home_that_was_moved_keeps_its_chains(three, famulus_home):
    assert chain(three[0]) == three
    assert three[0].stat().st_mode & 0o777 == 0o600
    moved = famulus_home.rename(famulus_home.with_name("moved to, here"))
    expected = [moved / path.relative_to(famulus_home) for path in three]
    assert chain(expected[0]) == expected
    assert disk.backing_chain(expected[0]) == [(expected[1], "qcow2"), (expected[2], "raw")]


def test_a_disk_outside_of_the_home_names_an_absolute_path(three, tmp_path):
    elsewhere = overlay(tmp_path, "elsewhere")
    assert disk.stored_name(elsewhere, three[2]) == str(three[2])
    disk.copy_overlay(three[0], three[1], elsewhere)
    assert chain(elsewhere) == [elsewhere, *three[1:]]


def test_linked_templates_are_named_absolutely(famulus_home, tmp_path):
    base = template(tmp_path)
    (famulus_home / "templates").symlink_to(tmp_path / "templates")
    top = overlay(famulus_home, "fabrics", "f", "node1")
    assert disk.stored_name(top, famulus_home / "templates/t/disk.img") == str(base)


def test_a_name_that_leads_elsewhere_is_noticed_and_changed(three):
    top, middle, base = three
    assert disk.lies_on(top, middle)
    assert not disk.lies_on(top, base)
    subprocess.run(
        ["qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "/gone/disk.qcow2", str(top)], check=True
    )
    assert not disk.lies_on(top, middle)
    disk.rebase(top, middle, "qcow2")
    assert disk.lies_on(top, middle)
    assert chain(top) == three


@pytest.mark.parametrize("name", ["x", "/" + "long/" * 150, "a b,c%d:e"])
def test_a_copy_gets_another_name_and_stays_whole(three, name, tmp_path):
    image = disk.with_backing_name(three[0].read_bytes(), name)
    assert disk.backing_name(image) == name
    copy = tmp_path / "copy.qcow2"
    copy.write_bytes(image)
    argv = ["qemu-img", "info", "--output=json", str(copy)]
    found = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    assert found["backing-filename"] == name
    again = disk.with_backing_name(image, disk.backing_name(three[0].read_bytes()))
    assert again == three[0].read_bytes()


def test_a_name_has_at_most_1023_bytes(three):
    with pytest.raises(ValueError, match="no room"):
        disk.with_backing_name(three[0].read_bytes(), "/" + "x" * 1023)


@pytest.mark.parametrize("content", [b"", b"QFI", b"raw" * 100])
def test_a_file_that_is_no_overlay_is_an_error(three, content):
    three[0].write_bytes(content)
    with pytest.raises(FamulusError, match="cannot read the disk"):
        disk.lies_on(three[0], three[1])


def test_names_may_have_any_bytes(three):
    name = os.fsdecode(b"/caf\xe9/disk")
    image = disk.with_backing_name(three[0].read_bytes(), name)
    assert disk.backing_name(image) == name
