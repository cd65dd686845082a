# SPDX-License-Identifier: GPL-2.0-or-later
"""The check of the host as a whole, and of the needs of a build without root."""

import os
import subprocess
import sys

import pytest

from famulus.base.errors import FamulusError
from famulus.host import check, locks, rootless
from famulus.host.finding import Finding
from famulus.settings.spec import FabricSpec
from tests.nolocks import without_locks


@pytest.fixture
def user(tmp_path, monkeypatch):
    """A normal user who can build templates; returns a folder that replaces /etc and /proc/sys."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("famulus.base.user.name_of", lambda _: "ann")
    monkeypatch.setattr(rootless, "find_program", lambda _: "/usr/bin/newuidmap")
    monkeypatch.setattr(rootless, "refusal", lambda: None)
    for name in ("subuid", "subgid"):
        (tmp_path / name).write_text("bob:100000:65536\nann:165536:65536\n")
    (tmp_path / "kernel").mkdir()
    (tmp_path / "user").mkdir()
    return tmp_path


def test_a_normal_user_can_build(user):
    assert rootless.check_rootless("error", user, user).level == "ok"


def test_root_needs_no_ids(user, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert rootless.check_rootless("error", user / "none", user).level == "ok"


@pytest.mark.parametrize("name", ["subuid", "subgid"])
@pytest.mark.parametrize("text", ["", "bob:1:65536\n", "ann:1:100\n", "ann\n", None])
def test_a_user_without_ids_gets_the_command_for_ids(user, name, text):
    if text is None:
        (user / name).unlink()
    else:
        (user / name).write_text(text)
    finding = rootless.check_rootless("warning", user, user)
    assert finding.level == "warning"
    assert name in finding.text
    assert "usermod --add-subuids" in finding.cure
    assert "ann" in finding.cure


@pytest.mark.parametrize("switch", ["kernel/unprivileged_userns_clone", "user/max_user_namespaces"])
def test_user_namespaces_that_are_switched_off_are_an_error(user, switch):
    (user / switch).write_text("0\n")
    finding = rootless.check_rootless("error", user, user)
    assert finding.level == "error"
    assert f"sysctl {switch.replace('/', '.')}=" in finding.cure


def test_a_missing_newuidmap_names_its_package(user, monkeypatch):
    monkeypatch.setattr(rootless, "find_program", lambda _: None)
    assert "uidmap" in rootless.check_rootless("error", user, user).cure


def test_a_refusal_by_the_system_is_an_obstacle(fp, monkeypatch):
    monkeypatch.setattr("famulus.base.run.find_program", lambda name: f"/usr/bin/{name}")
    words = ["/usr/bin/unshare", "--user", "--map-root-user", "true"]
    fp.register(words, returncode=1, stderr="unshare: Operation not permitted")
    text, cure = rootless.refusal() or ("", "")
    assert "Operation not permitted" in text
    assert "apparmor_restrict_unprivileged_userns" in cure
    fp.register(words)
    assert rootless.refusal() is None


def test_a_user_without_a_name_cannot_build_and_learns_how_to_get_a_name(user, monkeypatch):
    monkeypatch.setattr("famulus.base.user.name_of", lambda _: None)
    finding = rootless.check_rootless("warning", user, user)
    assert finding.level == "warning"
    assert f"needs a name for user id {os.getuid()}" in finding.text
    assert f"useradd --uid {os.getuid()}" in finding.cure


@pytest.mark.usefixtures("user")
def test_ssh_without_a_name_needs_a_user_namespace(monkeypatch):
    assert rootless.check_name() == []
    monkeypatch.setattr("famulus.base.user.name_of", lambda _: None)
    assert [finding.level for finding in rootless.check_name()] == ["ok"]
    monkeypatch.setattr(rootless, "refusal", lambda: ("the system refuses", "allow it"))
    (finding,) = rootless.check_name()
    assert finding.level == "error"
    assert "useradd" in finding.cure


def test_a_home_without_locks_is_an_error(famulus_home, tmp_path):
    assert locks.check_locks() == []
    code = "from famulus.host.locks import check_locks; print(check_locks()[0].text)"
    env = {**os.environ, **without_locks(famulus_home, tmp_path)}
    shown = subprocess.check_output([sys.executable, "-c", code], env=env, text=True)
    assert shown == f"no locks in {famulus_home}: No locks available\n"


def test_require_lists_every_error_with_its_cure():
    fine, bad, worse = (
        Finding("a", "warning", "slow", "wait"),
        Finding("b", "error", "is missing", "get it"),
        Finding("c", "error", "is full", "empty it"),
    )
    check.require([fine])
    with pytest.raises(FamulusError, match="b: is missing") as caught:
        check.require([fine, bad])
    assert caught.value.hint == "get it"
    with pytest.raises(FamulusError, match="2 things") as caught:
        check.require([bad, fine, worse])
    for words in ("b: is missing", "get it", "c: is full", "empty it"):
        assert words in caught.value.details


def test_every_finding_about_this_host_has_a_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / "home"))
    found = check.check_host(FabricSpec(), tmp_path / "pool")
    names = [finding.name for finding in found]
    for name in ("qemu-system-x86_64", "accelerator", "user namespaces", "disk", "memory", "pool"):
        assert name in names
    assert all(finding.cure for finding in found if finding.level != "ok")
    assert not (tmp_path / "home").exists()
