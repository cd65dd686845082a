# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus region`, as a user types the command, on a directory that libfamulus has written."""

import json
import os
import signal
from dataclasses import replace

import pytest

from famulus.base.units import MIB
from famulus.pool import directory
from famulus.pool import file as pool_file
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus_guest import Pool
from tests.unit.command import famulus
from tests.unit.guest import lib
from tests.unit.guest.lib import Child, child


@pytest.fixture
def region(shared_pool, monkeypatch, capfdbinary):
    """`famulus region …` for a pool of 64 MiB with two regions and a reserved range."""
    with shared_pool.open("r+b") as file:
        file.truncate(64 * MIB)
    folder = FabricFolder("fabric")
    folder.path.mkdir(parents=True)
    folder.write(Record(FabricSpec(pool=64 * MIB, pool_file=shared_pool), "none"))
    child(_fill)

    def run(*words: str, code: int = 0) -> str:
        ended = famulus(monkeypatch, "region", *words)
        captured = capfdbinary.readouterr()
        text = str((captured.out + captured.err).decode())
        assert ended == code, text
        return text

    return run


def _fill():
    with Pool() as pool:
        pool.create("data", 5000, 0o640).write(0, b"hello")
        pool.create("[bold]odd", 100)
        pool.reserve("raw", 8 * MIB, MIB)


def _regions(path):
    return directory.read(pool_file.Pool(path)).regions


def _names():
    with Pool() as pool:
        return sorted(found.name for found in pool.regions())


def test_list_shows_regions_and_reserved_ranges(region):
    text = region("list")
    assert text.splitlines()[1].split()[:4] == ["data", "region", "0x100000", "4.9"]
    assert "[bold]odd" in text
    found = {row["name"]: row for row in json.loads(region("list", "--json"))}
    assert found["raw"] == {
        "name": "raw",
        "kind": "reserved",
        "offset": 8 * MIB,
        "size": MIB,
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "mode": 0o660,
        "created": found["raw"]["created"],
    }


def test_show_prints_an_entry(region):
    text = region("show", "data")
    assert "0x100000 in the pool" in text
    assert "0640" in text
    assert json.loads(region("show", "data", "--json"))["size"] == 5000


def test_a_name_with_control_characters_changes_no_screen(region):
    name = "\x1b[2J\udcff"
    child(lambda: Pool().create(name, 100).close())
    assert "\\x1b[2J\\udcff" in region("list")
    assert "\\x1b[2J\\udcff" in region("show", name)
    assert json.loads(region("show", name, "--json"))["name"] == name
    assert "of \\x1b[2J\\udcff" in region("write", name, "0", "hello")
    assert "|hello" in region("read", name)
    assert "\\x1b[2J\\udcff" in region("show", "none", code=1)  # the hint names the regions
    assert "removed \\x1b[2J\\udcff" in region("rm", name)


def test_a_date_that_no_calendar_has_is_shown_in_seconds(region, shared_pool):
    found = directory.read(pool_file.Pool(shared_pool)).find("data")
    made = directory._packed(replace(found, created=2**63), found.sequence + 1, directory.LIVE)
    with shared_pool.open("r+b") as file:
        file.seek(directory._place(64 * MIB, 0, found.index))
        file.write(made)
    assert f"created  {2**63} seconds after 1970" in region("show", "data")


def test_written_bytes_are_read(region):
    assert "|hello..." in region("read", "data")
    assert region("read", "data", "1", "3", "--raw") == "ell"
    assert "wrote 3 bytes at 0x1001 of data" in region("write", "data", "0x1001", "new")
    assert child(lambda: Pool().open("data").read(4097, 3)) == b"new"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["show", "none"], 1, "The regions are: [bold]odd, data, raw"),
        (["rm", "none"], 1, "there is no region"),
        (["read", "data", "5000", "1"], 2, "leave the region"),
        (["read", "data", "5001"], 2, "leave the region"),
        (["write", "data", "4998", "abc"], 2, "leave the region"),
        (["write", "data", "0"], 2, "bytes to write must come"),
        (["write", "data", "0", "--file", "/dev/zero"], 2, "leave the region"),
        (["list", "--fabric", "nobody"], 1, "there is no fabric"),
    ],
)
def test_impossible_request_is_refused(region, words, code, text):
    assert text in region(*words, code=code)


def test_rm_without_nodes_is_seen_by_the_library(region, shared_pool):
    region("rm", "data")
    assert child(_names) == ["[bold]odd", "raw"]
    assert [found.name for found in _regions(shared_pool)] == [
        "[bold]odd",
        "raw",
    ]
    child(lambda: Pool().create("data", 5000).close())
    assert child(_names) == ["[bold]odd", "data", "raw"]


def test_rm_is_refused_while_a_process_of_the_host_uses_the_directory(region):
    out, there = os.pipe()

    def stay():
        with Pool():
            os.write(there, b"x")
            signal.pause()

    one = Child(stay)
    os.close(there)
    assert os.read(out, 1), one.end()
    os.close(out)
    assert "may be using the directory" in region("rm", "raw", code=1)
    one.kill()
    region("rm", "raw")


def test_a_pool_without_a_directory_has_no_regions(region, shared_pool):
    shared_pool.write_bytes(bytes(MIB))
    assert _regions(shared_pool) == ()
    assert "Programs in nodes make regions" in region("show", "data", code=1)


def test_a_directory_of_random_bytes_is_refused_with_a_cure(region, shared_pool):
    start = 64 * MIB - directory.directory_bytes(64 * MIB)
    with shared_pool.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(64 * MIB - start))
    assert f"famulus pool clear {start:#x}" in region("list", code=1)


def test_one_damaged_copy_is_survived_and_two_are_reported(region, shared_pool):
    start = 64 * MIB - directory.directory_bytes(64 * MIB) + 8192 + 512 * 64
    with shared_pool.open("r+b") as file:
        file.seek(start + 100)
        file.write(b"scribble")
        assert "data" in region("list")
        file.seek(start + 1024 * 384 + 100)
        file.write(b"scribble")
        file.flush()
        text = region("list")
    assert "1 damaged entries" in text
    assert "data" not in text


def test_host_and_library_use_the_same_layout(shared_pool):
    """The host finds the region that the library makes, in pools from the smallest on."""
    for size in (256 << 10, lib.SIZE, 3 * MIB, 64 * MIB):
        shared_pool.write_bytes(b"")
        with shared_pool.open("r+b") as file:
            file.truncate(size)
        child(lambda: Pool().create("x" * 255, 1).close())
        (found,) = _regions(shared_pool)
        assert (found.name, found.size) == ("x" * 255, 1)
