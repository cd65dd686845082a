# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the last logout of the user removes the pool."""

import os
from pathlib import Path

import pytest

from famulus.base import user
from famulus.host.lingering import check_lingering

POOL = Path("/dev/shm/pool")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a system with logind, whose user is ann."""
    for folder in ("run/systemd/users", "var/lib/systemd/linger", "etc/systemd/logind.conf.d"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/systemd/logind.conf").write_text("[Login]\n#RemoveIPC=no\n")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(user, "name_of", lambda _: "ann")
    return tmp_path


def levels(root: Path, pool: Path = POOL) -> list[str]:
    return [finding.level for finding in check_lingering(pool, root)]


def test_user_without_lingering_is_warned(root):
    (finding,) = check_lingering(POOL, root)
    assert finding.level == "warning"
    assert "loginctl enable-linger" in finding.cure
    assert "--pool-file" in finding.cure


def test_user_who_lingers_is_not_warned(root):
    (root / "var/lib/systemd/linger/ann").touch()
    assert levels(root) == ["ok"]


def test_user_id_without_a_name_is_warned(root, monkeypatch):
    monkeypatch.setattr(user, "name_of", lambda _: None)
    assert levels(root) == ["warning"]


def test_pool_elsewhere_survives_a_logout(root):
    assert levels(root, Path("/data/pool")) == []


@pytest.mark.parametrize("number", [0, 999])
def test_system_users_keep_their_files(root, monkeypatch, number):
    monkeypatch.setattr(os, "geteuid", lambda: number)
    assert levels(root) == []


def test_host_without_logind_removes_nothing(root):
    (root / "run/systemd/users").rmdir()
    assert levels(root) == []


@pytest.mark.parametrize(
    ("main", "part", "found"),
    [("no", None, []), ("yes", "no", []), ("no", "yes", ["warning"]), ("off", None, [])],
)
def test_last_setting_counts(root, main, part, found):
    (root / "etc/systemd/logind.conf").write_text(f"[Login]\nRemoveIPC={main}\n")
    if part:
        (root / "etc/systemd/logind.conf.d/a.conf").write_text(f"[Login]\n RemoveIPC = {part}\n")
    assert levels(root) == found
