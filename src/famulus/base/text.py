# SPDX-License-Identifier: GPL-2.0-or-later
"""Text from elsewhere, such as names that programs in nodes give, for terminals and documents."""

import re

# Control characters but for line feed and tab, and the characters for bytes that are not UTF-8
# (os.fsdecode). A terminal obeys the first; no encoding has the second.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def visible(text: str) -> str:
    """Return `text` with an escape in place of each character that a screen cannot show."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
