# SPDX-License-Identifier: GPL-2.0-or-later
"""The real ssh tells which lines of the user's file win over a fabric's configuration."""

from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.transport import ssh, ssh_check
from famulus.transport.ssh_check import Winner, winners

WAYS = {1: ("127.0.0.1", 42001), 2: ("127.0.0.1", 42002)}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / ssh.CONFIG_NAME
    path.write_text(ssh.client_config(tmp_path, tmp_path, WAYS), encoding="utf-8")
    return path


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A file as users have them."""
    path = tmp_path / "config"
    path.write_text("Host fabric-prod.example.com\n  User deploy\nHost *\n  User ann\n")
    return path


def test_an_earlier_user_wins(config: Path, users: Path) -> None:
    assert winners(config, "fabric2", str(users)) == [Winner("user", "ann", "fabric")]


def test_nothing_wins_over_an_include_that_stands_first(config: Path, users: Path) -> None:
    jump = "Host *\n  ProxyJump bastion\n  StrictHostKeyChecking no\n"
    users.write_text(f'Include "{config}"\n{users.read_text()}{jump}')
    assert winners(config, "fabric1", str(users)) == []


def test_the_users_other_hosts_stay_as_they_are(config: Path, users: Path) -> None:
    other = "fabric-prod.example.com"
    before = ssh_check._options(users.read_text(), other)
    users.write_text(f'Include "{config}"\n{users.read_text()}')
    assert ssh_check._options(users.read_text(), other) == before
    assert before["user"] == "deploy"


def test_a_missing_file_wins_over_nothing(config: Path) -> None:
    assert winners(config, "fabric1", "/nonexistent/config") == []


def test_a_file_that_ssh_cannot_read_is_an_error(config: Path, users: Path) -> None:
    users.write_text("Bad x\n")
    with pytest.raises(FamulusError) as caught:
        winners(config, "fabric1", str(users))
    assert "Bad configuration option" in caught.value.details
