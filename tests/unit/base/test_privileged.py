# SPDX-License-Identifier: GPL-2.0-or-later
"""Actions that only root may take: as root, through sudo, and refused."""

import pytest
from pytest_subprocess import FakeProcess

from famulus.base import privileged
from famulus.base.errors import FamulusError
from famulus.base.privileged import RootStep, carry_out, require_sudo

STEP = RootStep("touch it", "it wants to be touched", ["touch", "/it"])


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileged, "is_root", lambda: False)
    monkeypatch.setattr(privileged, "find_program", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("famulus.base.run.find_program", lambda name: f"/usr/bin/{name}")


@pytest.mark.usefixtures("user")
def test_a_user_goes_through_sudo(fp: FakeProcess):
    fp.register(["/usr/bin/sudo", "--validate"])
    fp.register(["/usr/bin/sudo", "--", "touch", "/it"])
    require_sudo([STEP])
    carry_out(STEP)
    assert STEP.line == "sudo -- touch /it"


@pytest.mark.usefixtures("user")
def test_sudo_refuses(fp: FakeProcess):
    fp.register(["/usr/bin/sudo", "--validate"], returncode=1)
    with pytest.raises(FamulusError, match="sudo refuses") as caught:
        require_sudo([STEP])
    assert "touch /it" in caught.value.hint


@pytest.mark.usefixtures("user")
def test_no_sudo(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(privileged, "find_program", lambda _: None)
    with pytest.raises(FamulusError, match="sudo is not installed"):
        require_sudo([STEP])


@pytest.mark.usefixtures("user")
def test_nothing_to_do_asks_nobody():
    require_sudo([])


@pytest.mark.usefixtures("user")
def test_a_step_that_fails_names_its_command(fp: FakeProcess):
    fp.register(["/usr/bin/sudo", "--", "touch", "/it"], returncode=1)
    with pytest.raises(FamulusError, match="cannot touch it") as caught:
        carry_out(STEP)
    assert "sudo -- touch /it" in caught.value.hint


def test_root_needs_no_sudo(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(privileged, "is_root", lambda: True)
    assert STEP.line == "touch /it"
    require_sudo([STEP])
