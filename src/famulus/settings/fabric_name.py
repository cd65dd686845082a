# SPDX-License-Identifier: GPL-2.0-or-later
"""The name of a fabric: the default one, and the rule for all."""

import re

from famulus.base.errors import UsageError

DEFAULT_NAME = "fabric"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_SHOWN = 40  # characters of a wrong name that are repeated to the user


def is_name(name: str) -> bool:
    """Tell whether `name` can name a fabric."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return `name` if it can name a fabric, or raise UsageError."""
    if not is_name(name):
        shown = name if len(name) <= _SHOWN else name[: _SHOWN - 3] + "..."
        raise UsageError(
            f"'{shown}' cannot name a fabric",
            hint="Use 1 to 32 letters, digits, - or _, beginning with a letter or digit.",
        )
    return name
