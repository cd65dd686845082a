# SPDX-License-Identifier: GPL-2.0-or-later
"""A vault: nothing that has users or is held is removed, and a failing host changes nothing."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.base.vault import Vault, identity

ONE = "1" * 16
PRUNE = """
import sys
from pathlib import Path
from famulus.base.vault import Vault
print(Vault(Path(sys.argv[1]), "record.json").prune(set()))
"""


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    root = tmp_path / "root"
    root.mkdir()
    return Vault(root, "record.json")


def make(vault: Vault) -> Path:
    vault.building(ONE).mkdir()
    vault.publish(ONE, {"content": "x"})
    return vault.folder(ONE)


def find(vault: Vault) -> Callable[[], str | None]:
    return lambda: identity(vault.read(ONE) or {}) or None


def nobody() -> None:
    pytest.fail("the folder is free, and there")


def prune_elsewhere(vault: Vault) -> int:
    """Prune in another process, and return the bytes freed."""
    argv = [sys.executable, "-c", PRUNE, str(vault.root)]
    return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)


def test_each_build_has_an_identity_of_its_own(vault):
    make(vault)
    first = find(vault)()
    vault.remove(ONE)
    make(vault)
    assert first
    assert find(vault)() not in (None, first)


def test_the_time_of_the_build_identifies_the_folder_of_an_earlier_release():
    assert identity({"created": "2026-01-01"}) == "2026-01-01"
    assert identity({}) == ""


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EIO, errno.EACCES])
def test_a_record_that_the_host_cannot_read_is_an_error(vault, monkeypatch, number):
    folder = make(vault)

    def fail(*_: object, **__: object) -> str:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", fail)
        with pytest.raises(FamulusError, match=r"cannot read .*record\.json"):
            vault.hold(ONE, find(vault), nobody, nobody)
    assert (folder / "record.json").exists()


@pytest.mark.parametrize("verb", ["remove", "prune"])
def test_a_folder_with_users_stays(vault, verb):
    folder = make(vault)
    used = Vault(vault.root, "record.json", users=lambda found: ["fabric a"] * (found == folder))
    if verb == "prune":
        assert used.prune(set()) == 0
    else:
        with pytest.raises(FamulusError, match=r"disks may lie on it \(fabric a\)"):
            used.remove(ONE)
    assert (folder / "record.json").exists()


def test_a_held_folder_outlives_a_prune_of_another_process(vault):
    folder = make(vault)
    assert vault.hold(ONE, find(vault), nobody, nobody)
    assert prune_elsewhere(vault) == 0
    assert folder.exists()
    vault.release(ONE)
    assert prune_elsewhere(vault) > 0
    assert not folder.exists()


def test_a_missing_folder_is_made_and_then_held(vault):
    assert vault.hold(ONE, find(vault), lambda: make(vault), nobody)
    assert prune_elsewhere(vault) == 0


def test_a_folder_that_is_not_there_is_not_held(vault):
    assert vault.hold_if_there(ONE, find(vault), nobody) is None
    assert prune_elsewhere(vault) == 0  # and removes the lock file
    assert not vault.lock_path(ONE).exists()


def test_a_held_folder_that_was_removed_by_hand_is_made_again(vault):
    make(vault)
    vault.hold(ONE, find(vault), nobody, nobody)
    subprocess.run(["rm", "-r", vault.root], check=True)
    vault.root.mkdir()
    assert vault.hold(ONE, find(vault), lambda: make(vault), nobody)


def test_a_build_that_makes_nothing_is_an_error(vault):
    with pytest.raises(FamulusError, match="was made but cannot be read"):
        vault.hold(ONE, find(vault), lambda: None, nobody)


def test_a_failed_build_leaves_no_lock(vault):
    def fail() -> None:
        raise FamulusError("no room")

    with pytest.raises(FamulusError, match="no room"):
        vault.hold(ONE, find(vault), fail, nobody)
    with vault.locked_if_free(ONE) as free:
        assert free
