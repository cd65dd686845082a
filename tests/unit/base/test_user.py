# SPDX-License-Identifier: GPL-2.0-or-later
"""The name of a user id, and the words before a command that needs a name."""

import os

import pytest

from famulus.base import user

NOBODY = 3_000_000_000  # no entry in any password file


def test_a_user_id_may_have_no_name():
    assert user.name_of(0) == "root"
    assert user.called(0) == "root"
    assert user.name_of(NOBODY) is None
    assert user.called(NOBODY) == f"user id {NOBODY}"


def test_a_command_gets_a_name_where_the_user_has_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert user.with_a_name() == []
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    assert user.with_a_name()[0] == "unshare"
