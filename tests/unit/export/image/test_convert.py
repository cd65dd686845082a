# SPDX-License-Identifier: GPL-2.0-or-later
"""Conversion between formats of disk images: the arguments, and the images of qemu-img."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.base.units import MIB
from famulus.export.image.convert import convert, convert_arguments, needed_room
from famulus.export.image.output import NoRoom


def qemu_img(*words: str | Path) -> str:
    return subprocess.run(["qemu-img", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """8 MiB, of which 1 MiB is written."""
    path = tmp_path / "base.img"
    with path.open("wb") as file:
        file.truncate(8 * MIB)
        file.seek(2 * MIB)
        file.write(os.urandom(MIB))
    return path


@pytest.fixture
def overlay(base: Path, tmp_path: Path) -> Path:
    """Another MiB on top of it."""
    path = tmp_path / "overlay.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", path)
    subprocess.run(["qemu-io", "-c", "write -q -P 7 4M 1M", path], check=True)
    return path


def test_arguments_are_those_of_qemu_img():
    assert convert_arguments(Path("/a/x:y.qcow2"), "qcow2", Path("/b/z"), "raw") == [
        "qemu-img", "convert", "-q",
        "-f", "qcow2",
        "-O", "raw",
        "/a/x:y.qcow2",
        "/b/z",
    ]  # fmt: skip


def test_relative_paths_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert convert_arguments(Path("nbd:x"), "raw", Path("-y"), "raw")[-2:] == [
        f"{tmp_path}/nbd:x",
        f"{tmp_path}/-y",
    ]


@pytest.mark.parametrize("image_format", ["raw", "qcow2"])
def test_a_copy_has_the_contents_of_backing_files(overlay: Path, tmp_path: Path, image_format: str):
    target = tmp_path / "ssh: x"
    target.write_text("old")
    convert(overlay, "qcow2", target, image_format)
    # The last image's name would be one of a protocol if it did not begin with a slash.
    qemu_img("compare", "-f", "qcow2", "-F", image_format, overlay, target.absolute())
    info = json.loads(qemu_img("info", "--output=json", "-f", image_format, target.absolute()))
    assert "backing-filename" not in info
    assert info["virtual-size"] == 8 * MIB
    assert target.stat().st_blocks * 512 < 4 * MIB
    assert target.stat().st_mode & 0o777 == 0o600


def test_the_room_includes_backing_files(base: Path, overlay: Path):
    assert MIB <= needed_room(base, "raw") < 2 * MIB
    assert 2 * MIB <= needed_room(overlay, "qcow2") < 4 * MIB


def test_missing_room_is_reported(overlay: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("famulus.export.image.output.free_bytes", lambda _: MIB)
    there = set(tmp_path.iterdir())
    with pytest.raises(NoRoom):
        convert(overlay, "qcow2", tmp_path / "target", "raw")
    assert set(tmp_path.iterdir()) == there


def test_a_disk_that_fills_up_is_reported(
    overlay: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("famulus.export.image.convert.check_room", lambda *_: None)
    with pytest.raises(NoRoom, match=f"^no space left in {small_disk}$"):
        convert(overlay, "qcow2", small_disk / "target", "raw")
    assert list(small_disk.iterdir()) == []


def test_a_source_that_is_no_image_is_refused(tmp_path: Path):
    (tmp_path / "source").write_text("no image")
    (tmp_path / "target").write_text("old")
    with pytest.raises(FamulusError, match="qemu-img failed"):
        convert(tmp_path / "source", "qcow2", tmp_path / "target", "raw")
    assert (tmp_path / "target").read_text() == "old"
