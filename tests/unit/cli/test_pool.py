# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus pool`, as a user types the command."""

import json
import sys
import tempfile

import pytest

from famulus.base.errors import UsageError
from famulus.base.units import MIB
from famulus.cli.pool import parse_offset
from famulus.pool import file
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from tests.unit.command import famulus


class Pool:
    """`famulus pool …`, in this process."""

    def __init__(self, path, monkeypatch, capfdbinary) -> None:
        self.path = path
        self._monkeypatch = monkeypatch
        self._captured = capfdbinary

    def __call__(self, *words: str, stdin: bytes = b"", code: int = 0) -> str:
        with tempfile.TemporaryFile() as words_in:
            words_in.write(stdin)
            words_in.seek(0)
            self._monkeypatch.setattr(sys, "stdin", words_in)
            ended = famulus(self._monkeypatch, "pool", *words)
        captured = self._captured.readouterr()
        text = str((captured.out + captured.err).decode())
        assert ended == code, text
        return text


@pytest.fixture
def pool(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FAMULUS_FABRIC", raising=False)
    path = tmp_path / "pool"
    folder = FabricFolder("fabric")
    folder.path.mkdir(parents=True)
    folder.write(Record(FabricSpec(pool=64 * MIB, pool_file=path), "none"))
    file.ensure(path, 64 * MIB)
    return Pool(path, monkeypatch, capfdbinary)


def test_bytes_are_written_read_and_cleared(pool):
    assert "wrote 5 bytes at 0x1000" in pool("write", "4K", "hello")
    assert "|hello...........|" in pool("read", "0x1000", "16")
    assert pool("read", "0x1001", "3", "--raw") == "ell"
    pool("write", "0x1000", "DE:AD be,ef", "--hex")
    assert "de ad be ef 6f" in pool("read", "4096")
    pool("write", "0", "--file", "-", stdin=b"from a pipe")
    assert pool("read", "0", "11", "--raw") == "from a pipe"
    assert "cleared" in pool("clear", "0x1000", "4K", "--yes")
    assert pool("read", "0", "11", "--raw") == "from a pipe"
    assert pool.path.stat().st_size == 64 * MIB


def test_show_prints_path_size_and_use(pool):
    pool("write", "0", "x")
    shown = json.loads(pool("show", "--json"))
    assert shown["size"] == 64 * MIB
    assert shown["path"] == str(pool.path)
    assert shown["used"] > 0
    assert "64M" in pool("show")


def test_clear_asks_and_no_answer_means_no(pool):
    pool("write", "0", "precious")
    for answer in (b"", b"\n", b"n\n", b"what?\n"):
        assert "nothing was cleared" in pool("clear", stdin=answer, code=1)
    assert pool("read", "0", "8", "--raw") == "precious"
    pool("clear", stdin=b"y\n")
    assert pool("read", "0", "8", "--raw") == "\0" * 8


def test_saved_pool_is_loaded_again(pool, tmp_path):
    pool("write", "1M", "hello")
    pool("save", str(tmp_path / "saved"))
    assert "exists" in pool("save", str(tmp_path / "saved"), code=1)
    pool("clear", "--yes")
    pool("load", str(tmp_path / "saved"))
    assert pool("read", "1M", "5", "--raw") == "hello"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["read", "0xzz"], 2, "neither an offset nor a size"),
        (["read", "1.5K"], 2, "neither an offset nor a size"),
        (["read", "64M", "1"], 2, "leave the pool"),
        (["read", "65M"], 2, "leave the pool"),
        (["write", "64M", "x"], 2, "leave the pool"),
        (["write", "0"], 2, "bytes to write must come"),
        (["write", "0", "x", "--file", "y"], 2, "bytes to write must come"),
        (["write", "0", "abc", "--hex"], 2, "not bytes in hexadecimal"),
        (["write", "0", "--file", "/none"], 1, "cannot read /none"),
        (["write", "64M", "--file", "/dev/zero"], 2, "leave the pool"),
        (["clear", "0"], 2, "size of the range to clear is missing"),
        (["load", "/none"], 1, "is not a file"),
        (["show", "--fabric", "nobody"], 1, "there is no fabric"),
        (["show", "--fabric", "a/b"], 2, "cannot name a fabric"),
    ],
)
def test_wrong_words_are_refused(pool, words, code, text):
    assert text in pool(*words, code=code)


def test_missing_pool_is_named(pool):
    pool.path.unlink()
    for verb in (["show"], ["read"], ["write", "0", "x"], ["clear", "--yes"]):
        assert "there is no pool" in pool(*verb, code=1)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("0x10", 16), ("4K", 4096), ("0XfF", 255)])
def test_right_offset_is_read(text, value):
    assert parse_offset(text) == value


@pytest.mark.parametrize("text", ["", "-1", "0x", "x", "0x" + "f" * 17])
def test_wrong_offset_is_refused(text):
    with pytest.raises(UsageError):
        parse_offset(text)
