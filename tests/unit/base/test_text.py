# SPDX-License-Identifier: GPL-2.0-or-later
"""Text from elsewhere is shown without control characters."""

import pytest

from famulus.base.text import visible


@pytest.mark.parametrize("text", ["", "plain", "two\nlines\tand a tab", "ä 漢 😀"])
def test_text_that_a_screen_shows_stays(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\r\0\x7f\x9b", "\\r\\x00\\x7f\\x9b"),
        ("\udcff", "\\udcff"),
    ],
)
def test_other_characters_have_escapes(text, shown):
    assert visible(text) == shown
