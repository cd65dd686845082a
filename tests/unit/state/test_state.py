# SPDX-License-Identifier: GPL-2.0-or-later
"""The fabric's folder: its record is read back whole, and its lock has one holder."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted, UsageError
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder, all_fabrics
from famulus.state.record import Record
from tests.unit.timeouts import TIMEOUT

HOLDER = """
import sys, time
from famulus.state.folder import FabricFolder
sys.argv = ["famulus", "up"]
with FabricFolder("f").lock(lambda holder: None):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder():
    found = FabricFolder("f")
    found.path.mkdir(parents=True)
    yield found
    found.remove()


@pytest.fixture
def holder():
    """Another process that holds the lock of fabric `f`."""
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"locked\n"
        yield process
        process.kill()


def nobody(_holder: str) -> None:
    pytest.fail("the lock is not free")


def test_a_stored_record_is_read_back(folder):
    record = Record(
        FabricSpec(nodes=3, pool=1 << 32, packages=("gdb",)), "abc", {1: 42001, 2: 42002}
    )
    assert not folder.exists()
    folder.write(record)
    assert folder.exists()
    assert folder.read() == record
    assert (folder.path / "state.json").stat().st_mode & 0o777 == 0o600


def test_a_missing_fabric_is_named():
    with pytest.raises(FamulusError, match="there is no fabric 'none'") as caught:
        FabricFolder("none").read()
    assert "famulus list" in caught.value.hint


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 200])
def test_a_bad_name_is_refused(name):
    with pytest.raises(UsageError):
        FabricFolder(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        "{}",
        '{"format": 1}',
        '{"format": 1, "spec": {}, "template": "x"}',
        '{"format": 1, "spec": {}, "template": "x", "ports": {"one": 1}}',
        '{"format": 1, "spec": {}, "template": "x", "ports": [1]}',
        '{"format": 1, "spec": {"nodes": 1000}, "template": "x", "ports": {}}',
        '{"format": 1, "spec": {"later": 1}, "template": "x", "ports": {}}',
        '{"format": 1, "spec": 3, "template": "x", "ports": {}}',
        '{"format": 1, "spec": {}, "template": "x", "ports": {"1": "x"}}',
    ],
)
def test_a_broken_state_names_its_cure(folder, text):
    (folder.path / "state.json").write_text(text)
    with pytest.raises(FamulusError, match="the state of fabric 'f' cannot be read") as caught:
        folder.read()
    assert "down --purge --fabric f" in caught.value.hint


def test_a_binary_state_is_refused(folder):
    (folder.path / "state.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FamulusError, match="cannot be read"):
        folder.read()


def test_a_newer_format_is_refused(folder):
    folder.write(Record(FabricSpec(), "abc"))
    raw = json.loads((folder.path / "state.json").read_text())
    (folder.path / "state.json").write_text(json.dumps(raw | {"format": 99}))
    with pytest.raises(FamulusError, match="cannot be read"):
        folder.read()


def test_a_failed_write_keeps_the_old_record(folder, monkeypatch):
    folder.write(Record(FabricSpec(), "old"))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.rename", fail)
    with pytest.raises(FamulusError, match="No space left"):
        folder.write(Record(FabricSpec(), "new"))
    assert folder.read().template == "old"
    assert [path.name for path in folder.path.iterdir()] == ["state.json"]


def test_the_lock_is_free_after_the_block():
    for _ in range(2):
        with FabricFolder("f").lock(nobody):
            pass
    with pytest.raises(ValueError, match="x"), FabricFolder("f").lock(nobody):
        raise ValueError("x")
    with FabricFolder("f").lock(nobody):
        pass


def test_a_timeout_names_the_holder(holder):
    names: list[str] = []
    with pytest.raises(FamulusError) as caught, FabricFolder("f").lock(names.append, timeout=0.3):
        pytest.fail("two processes hold the lock")
    assert names == [f"famulus up (process {holder.pid})"]
    assert str(holder.pid) in caught.value.brief


def test_a_waiter_gets_the_lock_of_a_killed_holder(holder):
    names: list[str] = []

    def on_wait(name: str) -> None:
        names.append(name)
        holder.kill()

    with FabricFolder("f").lock(on_wait, timeout=TIMEOUT):
        assert str(os.getpid()) in FabricFolder("f").holder()
    assert len(names) == 1


@pytest.mark.usefixtures("holder")
def test_an_interrupt_ends_the_wait_for_the_lock():
    threading.Timer(0.2, waiting.interrupt, [signal.SIGINT]).start()
    with pytest.raises(Interrupted), FabricFolder("f").lock(lambda _: None, timeout=TIMEOUT):
        pytest.fail("two processes hold the lock")


def test_a_waiter_locks_the_new_folder_after_a_purge(holder):
    """The waiter must not end up with the lock of the removed folder."""

    def purge() -> None:
        FabricFolder("f").remove()
        holder.kill()

    threading.Timer(0.3, purge).start()
    with FabricFolder("f").lock(lambda _: None, timeout=TIMEOUT):
        assert (FabricFolder("f").path / "lock").exists()
        with pytest.raises(FamulusError), FabricFolder("f").lock(lambda _: None, timeout=0):
            pytest.fail("two processes hold the lock")


@pytest.mark.usefixtures("famulus_home")
def test_a_folder_that_is_purged_at_any_moment_can_be_locked():
    over = threading.Event()

    def purge() -> None:
        while not over.is_set():
            FabricFolder("f").remove()

    purging = threading.Thread(target=purge)
    purging.start()
    try:
        for _ in range(500):
            with FabricFolder("f").lock(lambda _: None, timeout=TIMEOUT):
                pass
    finally:
        over.set()
        purging.join()


def test_forget_keeps_the_log_and_remove_nothing(folder):
    folder.write(Record(FabricSpec(), "abc"))
    folder.log.write_text("why it failed")
    folder.node(1).mkdir()
    (folder.node(1) / "disk").touch()
    sockets = folder.sockets
    (sockets / "s").touch()
    folder.forget()
    assert [path.name for path in folder.path.iterdir()] == ["log"]
    assert not sockets.exists()
    folder.remove()
    assert not folder.path.exists()
    folder.remove()


def test_all_fabrics_have_a_state_and_a_proper_name(famulus_home):
    assert all_fabrics() == []
    for name in ("b", "a", "half"):
        FabricFolder(name).path.mkdir(parents=True)
        if name != "half":
            FabricFolder(name).write(Record(FabricSpec(), "x"))
    assert [folder.name for folder in all_fabrics()] == ["a", "b"]
    (famulus_home / "fabrics" / "no name").mkdir()
    (famulus_home / "fabrics" / "no name" / "state.json").touch()
    (famulus_home / "fabrics" / "stray").touch()
    assert [folder.name for folder in all_fabrics()] == ["a", "b"]


def test_a_host_that_cannot_look_finds_no_missing_fabric(folder, monkeypatch):
    """A fabric that seems missing would be made, and removed after a failure, disks and all."""
    folder.write(Record(FabricSpec(), "abc"))

    def fail(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", fail)
        with pytest.raises(FamulusError, match="cannot look at"):
            folder.exists()


def test_a_record_that_the_host_cannot_read_is_no_reason_to_purge(folder):
    (folder.path / "state.json").mkdir()
    with pytest.raises(FamulusError, match="cannot read") as caught:
        folder.read()
    assert "purge" not in caught.value.hint
