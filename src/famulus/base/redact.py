# SPDX-License-Identifier: GPL-2.0-or-later
"""Leave passwords out of texts for logs and messages."""

import re

_PASSWORD = re.compile(r"(://[^/@\s:]*):[^/@\s]*@")


def without_passwords(text: str) -> str:
    """Return `text`, in which each URL has three asterisks instead of its password."""
    return _PASSWORD.sub(r"\1:***@", text)
