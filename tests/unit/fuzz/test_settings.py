# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings that strangers write: `fabric.toml`, options, environment, wgetrc, suppressions."""

import os
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from famulus.checker.report import suppress
from famulus.checker.report.model import Defect, Event, Frame
from famulus.settings.setting import definitions
from famulus.settings.sources import load_spec
from famulus.settings.spec import FabricSpec
from famulus.state.record import Record, read_record, write_record
from tests.unit.fuzz.fuzzing import few_or_many, fuzz
from tests.unit.fuzz.mutation import mutated, number

KEYS = tuple(definitions(FabricSpec))
FILE = b"""# a fabric
nodes = 4
memory = "1G"
pool = "4G"
pool_file = "data/pool"
packages = ["gdb", 'strace']
check = true
subnet = "10.1.2.0/24"
mirror = \"\"\"http://deb.debian.org/debian\"\"\"
seed = 0x7f
"""
TEXTS = (
    *("", " ", "0", "-1", "4", "1_0", "\u0664", "1e9", "nan", "64M", "1G", "3T", "99999999999999T"),
    *(
        "true",
        "no",
        "auto",
        "kvm",
        "full",
        "none",
        "user",
        "libvirt",
        "trixie",
        "gdb  vim",
        "~",
        "~x",
    ),
    *("~/pool", "a/../b", "/dev/zero", "x" * 300, "/" * 5000, "\0", "\x1b[2J", "\udcff", "\ud800"),
    *(
        "10.1.2.0/24",
        "10.1.2.3/24",
        "::/0",
        "1.2.3.4/33",
        "http://a",
        "file:///x",
        "http://[",
        "{}",
    ),
)
VALUES = (
    *("1", "-1", "0x" + "f" * 5000, "1" * 5000, "1.5", "nan", "-inf", "1e400", "true", "[]", "{}"),
    *('""', "'4'", '"\\u0000"', '"\\uD800"', '"\\U0010FFFF"', "1979-05-27", "0001-01-01T00:00:00Z"),
    *("2024-02-30", "24:00:00", "[1, [2]]", '["a", 1]', "{a = {b = 1}}", "[[]]", '"""', "[" * 4000),
)
WORDS = tuple(f"\n{key} = ".encode() for key in KEYS) + tuple(
    word.encode("utf-8", "surrogatepass")
    for word in (
        *VALUES,
        *TEXTS,
        "\n[nodes]\n",
        "\n[[a.b]]\n",
        "\na.b.c = 1\n",
        "\ufeff",
        "\r\n",
        "#",
    )
)

RULES = b"# known\nfunction push* : lost update\nregion mail\nregion [a-z]* : data race\n"
_STORE = Event("store", 1, 4096, 1, 0x1000, 64, 8, 42, 1, frames=(Frame("push<T>"),))
DEFECT = Defect("lost update", 1, 64, "", ((64, 8),), {"first": _STORE}, region="mail")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


def document(rng: Random) -> bytes:
    """Return a file of settings, right, wrong or broken."""
    if rng.random() < 0.5:
        return mutated(rng, FILE, WORDS)
    lines = (f"{rng.choice(KEYS)} = {value(rng)}" for _ in range(rng.randint(1, 4)))
    return "\n".join(dict.fromkeys(lines)).encode("utf-8", "surrogatepass")


def value(rng: Random) -> str:
    texts = (rng.choice(VALUES), f'"{rng.choice(TEXTS)}"', str(number(rng, 64)))
    return rng.choice(texts)


def text(rng: Random) -> str:
    """Return the value of an option or a variable: any bytes but NUL."""
    word = rng.choice(TEXTS).encode("utf-8", "surrogatepass")
    if rng.random() < 0.7:
        word = mutated(rng, word, (b"G", b"0", b"-"))
    return os.fsdecode(word.replace(b"\0", b""))


def some_texts(rng: Random, keys: tuple[str, ...]) -> Mapping[str, str]:
    return {rng.choice(keys): text(rng) for _ in range(rng.randint(1, 4))}


def use(spec: FabricSpec, folder: Path) -> None:
    """Store settings that were taken, and read them back."""
    record = Record(spec, "none", {1: 42001})
    write_record(folder / "state.json", record)
    assert read_record(folder / "state.json") == record


@few_or_many()
def test_a_file_is_read_or_refused(count: int, tmp_path: Path):
    path = tmp_path / "fabric.toml"

    def case(rng: Random) -> None:
        path.write_bytes(document(rng))
        use(load_spec({}, env={}, file=path), tmp_path)

    fuzz(count, tmp_path, case)


@few_or_many()
def test_options_are_taken_or_refused(count: int, tmp_path: Path):
    def case(rng: Random) -> None:
        use(load_spec(some_texts(rng, KEYS), env={}), tmp_path)

    fuzz(count, tmp_path, case)


@few_or_many()
def test_variables_are_taken_or_refused(count: int, tmp_path: Path):
    names = tuple(name for key in definitions(FabricSpec).values() for name in key.variables)
    wgetrc = tmp_path / ".wgetrc"

    def case(rng: Random) -> None:
        wgetrc.write_bytes(mutated(rng, b"http_proxy = http://p:1\nuse_proxy = on\n"))
        use(load_spec({}, env=some_texts(rng, names)), tmp_path)

    fuzz(count, tmp_path, case)


@few_or_many()
def test_suppressions_are_read_or_refused(count: int, tmp_path: Path):
    path = tmp_path / "rules"

    def case(rng: Random) -> None:
        path.write_bytes(
            mutated(rng, RULES, (b"region ", b"function ", b" : ", b"#", b"\xff", b"[!"))
        )
        for rule in suppress.read(path):
            rule.covers(DEFECT)

    fuzz(count, tmp_path, case)
