# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole command line, with a fabric of two nodes that do not run, until a program would run."""

import io
import os
import re
import struct
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typer.main

from famulus.base import signals, waiting
from famulus.cli.main import app, main
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from tests.unit.fuzz.fuzzing import few_or_many, fuzz
from tests.unit.fuzz.guard import NO_LIBVIRT, Border
from tests.unit.fuzz.mutation import mutated, number
from tests.unit.fuzz.regions import mutated_pool, real
from tests.unit.fuzz.test_settings import document, text

WORDS = (
    *(
        "",
        "-",
        "--",
        "-1",
        "0",
        "1",
        "2",
        "all",
        "fabric1",
        "1-2,1",
        "1-9999",
        "99999",
        "4096",
        "4K",
    ),
    *("0x40", "0x" + "f" * 16, "9" * 18 + "T", "1e3", "de ad", "~/x", "~nobody/x", "fabric.toml"),
    *("pool", "region0", "region1", "raw", "[bold]", "[/]", "\udcff", "\x1b[2J", "a\nb", "x" * 300),
    *("t.trace", "fabric", "nobody", "user", "qcow2", "fabric1:/x", "root@2:", ":", "../x", "."),
)
STATES = (b"null", b"[]", b"1" * 5000, b'"\\ud800"', b"NaN", b'"ports": {"x": 1}, ', b"[" * 2000)
TRACE = struct.pack("<8sII", b"FAMTRACE", 1, 48) + b"".join(
    struct.pack("<3Q5IB3x", 64 * line, 255, 7 << node, 9, 8, 7, 6, 5, node)
    for line in range(4)
    for node in (1, 2)
)
ENVIRONMENT = (
    *("FAMULUS_HOME", "XDG_DATA_HOME", "HOME", "FAMULUS_FABRIC", "VERBOSE", "COLUMNS", "LINES"),
    *("TERM", "NO_COLOR", "LC_ALL", "FAMULUS_NODES", "FAMULUS_POOL", "http_proxy"),
)
LOOSE = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")  # would change the user's terminal
RAW = {"--raw", "log", "--help", "-h"}


class Sink(io.RawIOBase):
    """The first MiB that was written."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if len(self.data) < 1 << 20:
            self.data += bytes(data)
        return len(data)


def leaves(
    command: Any, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield each verb that does something, with its options."""
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*words, name))
        return
    options = [name for param in command.params for name in (*param.opts, *param.secondary_opts)]
    yield words, [name for name in options if name.startswith("-")]


@cache
def verbs() -> list[tuple[tuple[str, ...], list[str]]]:
    return list(leaves(typer.main.get_command(app)))


def arguments(rng: Random, only: str = "") -> list[str]:
    verb, options = rng.choice([found for found in verbs() if only in ("", found[0][0])])
    words = [word(rng) for _ in range(rng.choice((0, 1, 1, 2, 2, 3)))]
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3)) if options else 0):
        at = rng.randint(0, len(words))
        words[at:at] = [rng.choice(options), *([word(rng)] if rng.random() < 0.6 else [])]
    return [*verb, *words]


def word(rng: Random) -> str:
    if rng.random() < 0.1:
        return rng.choice((str(number(rng, 64)), hex(number(rng, 64))))
    if rng.random() < 0.2:
        data = os.fsencode(rng.choice(WORDS))
        return os.fsdecode(mutated(rng, data).replace(b"\0", b""))
    return rng.choice(WORDS)


class _Endless:
    """In place of the flag of an interrupt: a wait is a border."""

    def wait(self, _seconds: float) -> bool:
        raise Border("wait")

    def is_set(self) -> bool:
        return False

    def clear(self) -> None:
        """There is nothing to forget."""


def run(words: list[str]) -> bytes:
    """Run `famulus` with `words` and return its output. A traceback is an exception."""
    sink = Sink()
    sys.argv = ["famulus", *words]
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - closed below
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(sink), "utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(sink), "utf-8", "backslashreplace", write_through=True
    )
    try:
        main()
    except SystemExit:
        pass
    finally:
        sys.stdout.flush()
        sys.stdin.close()
    return sink.data


@pytest.fixture
def pool(shared_pool: Path) -> bytes:
    return real(shared_pool)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything that a case may change."""
    monkeypatch.setattr(signals, "receive", lambda *_: None)
    monkeypatch.setattr(waiting, "_interrupted", _Endless())
    monkeypatch.setenv(*NO_LIBVIRT)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepare(rng: Random, folder: Path, pool: bytes) -> None:
    """Make the fabric and files beside it, seldom broken ones."""
    fabric, path = FabricFolder("fabric"), folder / rng.choice(("pool", "[/]po:ol", "p\u00f6 ol"))
    path.parent.mkdir(exist_ok=True)
    fabric.path.mkdir(parents=True, exist_ok=True)
    fabric.write(Record(FabricSpec(nodes=2, pool_file=path), "none", {1: 42001}))
    path.write_bytes(pool)
    (folder / "t.trace").write_bytes(mutated(rng, TRACE))
    (folder / "fabric.toml").unlink(missing_ok=True)
    if rng.random() < 0.1:
        (folder / "fabric.toml").write_bytes(document(rng))
    if rng.random() < 0.1:
        state = fabric.path / "state.json"
        state.write_bytes(mutated(rng, state.read_bytes(), STATES))


def check(words: list[str]) -> None:
    output = run(words)
    assert b"Traceback" not in output
    if not RAW & set(words):
        assert not LOOSE.search(output), output


@few_or_many(100)
def test_any_words_are_understood_or_refused(count: int, pool: bytes, there: Path):
    def case(rng: Random) -> None:
        prepare(rng, there, pool)
        check(arguments(rng))

    fuzz(count, there, case)


@few_or_many(100)
def test_any_environment_is_understood_or_refused(count: int, pool: bytes, there: Path):
    before = dict(os.environ)

    def case(rng: Random) -> None:
        os.environ.clear()
        os.environ.update(before)
        prepare(rng, there, pool)
        for _ in range(rng.randint(1, 3)):
            os.environ[rng.choice(ENVIRONMENT)] = text(rng).lstrip("/")
        words = [word(rng)] if rng.random() < 0.1 else []
        check([*rng.choice((["list"], ["status"], ["region", "list"], ["up"], ["doctor"])), *words])

    fuzz(count, there, case)


@few_or_many(100)
def test_regions_of_a_damaged_directory_are_shown_or_refused(count: int, pool: bytes, there: Path):
    def case(rng: Random) -> None:
        prepare(rng, there, mutated_pool(rng, pool))
        check(arguments(rng, "region"))

    fuzz(count, there, case)
