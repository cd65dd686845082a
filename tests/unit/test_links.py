# SPDX-License-Identifier: GPL-2.0-or-later
"""Every relative link and every path in the documents leads to a file of the tree."""

import re

import pytest

from tests.places import ROOT
from tests.unit.test_lint import files

_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_PATH = re.compile(r"`((?:src|native|guest|tests|scripts|bench|docs)/[\w./-]*[\w/])`")


@pytest.mark.parametrize("name", files("*.md"))
def test_links_and_paths_exist(name: str):
    page = ROOT / name
    text = page.read_text(encoding="utf-8")
    links = [page.parent / link for link in _LINK.findall(text)]
    named = [*links, *(ROOT / path for path in _PATH.findall(text))]
    assert not [str(path) for path in named if not path.exists()]
