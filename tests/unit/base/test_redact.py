# SPDX-License-Identifier: GPL-2.0-or-later
"""Passwords in URLs do not reach logs."""

import logging

import pytest

from famulus.base.errors import FamulusError
from famulus.base.redact import without_passwords
from famulus.base.run import run


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://ann:secret@p:1/x http://b:s@q", "http://ann:***@p:1/x http://b:***@q"),
        ("http://:secret@p", "http://:***@p"),
        ("http://p:3128/a@b", "http://p:3128/a@b"),
        ("fabric@host:path", "fabric@host:path"),
    ],
)
def test_a_password_becomes_asterisks(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


def test_the_log_of_programs_has_no_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "famulus")
    with pytest.raises(FamulusError):
        run(["false", "http://ann:secret@p:1"], timeout=20)
    assert "http://ann:***@p:1" in caplog.text
    assert "secret" not in caplog.text
