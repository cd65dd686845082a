# SPDX-License-Identifier: GPL-2.0-or-later
"""The pool's file: made once, never shrunk, never another user's."""

import os
import re
from pathlib import Path

import pytest

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.paths import POOL_NAME
from famulus.base.units import GIB, MIB
from famulus.pool import file
from famulus.pool.file import Pool
from tests.places import ROOT


def test_the_default_name_stands_once_in_the_source():
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "guest").rglob("*.[ch]")]
    sources += (ROOT / "native").rglob("*.[ch]")
    name = re.compile(rf"\b{POOL_NAME}\b")
    found = [path for path in sources if name.search(path.read_text(encoding="utf-8"))]
    assert found == [Path(paths.__file__)]


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name
)
def test_documents_call_the_pool_by_its_default_name(path):
    named = re.findall(r"/dev/shm/(\w+)|<shmem name='(\w+)'", path.read_text(encoding="utf-8"))
    assert {name for pair in named for name in pair if name} <= {POOL_NAME}


@pytest.mark.parametrize("umask", [0, 0o777])
def test_a_new_pool_is_private_and_sparse(tmp_path, umask):
    path = tmp_path / "pool"
    old = os.umask(umask)
    try:
        assert file.ensure(path, GIB) is True
    finally:
        os.umask(old)
    status = path.stat()
    assert (status.st_mode & 0o777, status.st_size) == (0o600, GIB)
    assert file.used_bytes(Pool(path)) == 0


def test_an_existing_pool_keeps_its_contents(tmp_path):
    path = tmp_path / "pool"
    file.ensure(path, MIB)
    with path.open("r+b") as pool:
        pool.write(b"precious")
    assert file.ensure(path, MIB) is False
    assert path.read_bytes()[:8] == b"precious"
    assert 0 < file.used_bytes(Pool(path)) <= 64 * 1024


@pytest.mark.parametrize("size", [MIB // 2, 2 * MIB])
def test_another_size_is_refused(tmp_path, size):
    path = tmp_path / "pool"
    file.ensure(path, size)
    with pytest.raises(FamulusError) as caught:
        file.ensure(path, MIB)
    assert path.stat().st_size == size
    assert "1M" in caught.value.brief
    assert ("512K" if size < MIB else "2M") in caught.value.brief
    assert "--pool" in caught.value.hint
    assert "down --purge" in caught.value.hint


def test_a_pool_without_a_size_gets_its_size(tmp_path):
    path = tmp_path / "pool"
    path.touch(mode=0o644)
    assert file.ensure(path, MIB) is True
    assert path.stat().st_size == MIB
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "pool").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FamulusError, match="symbolic link"):
        file.ensure(tmp_path / "pool", MIB)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(FamulusError, match="not a regular file") as caught:
        file.ensure(tmp_path, MIB)
    assert "--pool-file" in caught.value.hint


def test_the_pool_of_another_user_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "pool"
    file.ensure(path, MIB)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(FamulusError, match="belongs to") as caught:
        file.ensure(path, MIB)
    assert "--fabric" in caught.value.hint


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FamulusError, match="No such file"):
        file.ensure(tmp_path / "none" / "pool", MIB)


def test_a_pool_that_cannot_get_its_size_is_removed(tmp_path):
    with pytest.raises(FamulusError, match="cannot make"):
        file.ensure(tmp_path / "pool", 1 << 62)  # larger than any file system takes
    assert not (tmp_path / "pool").exists()


def test_remove_removes_the_file(tmp_path):
    path = tmp_path / "pool"
    file.ensure(path, MIB)
    file.remove(path)
    assert not path.exists()
    file.remove(path)


def test_a_missing_pool_is_named(tmp_path):
    with pytest.raises(FamulusError, match="there is no pool"):
        file.used_bytes(Pool(tmp_path / "pool"))
