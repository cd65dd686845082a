# SPDX-License-Identifier: GPL-2.0-or-later
"""One version for the command, the library's pkg-config files and the changelog."""

import re

import pytest

from famulus import __version__
from tests.places import ROOT


@pytest.mark.parametrize("name", ["famulus.pc", "famulus-compat.pc"])
def test_library_has_the_version_of_the_command(name: str):
    text = (ROOT / "guest" / "lib" / name).read_text(encoding="utf-8")
    assert f"\nVersion: {__version__}\n" in text


def test_changelog_begins_with_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", text, re.MULTILINE)[0] == __version__
