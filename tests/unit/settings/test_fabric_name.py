# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of fabrics: which are right, and how wrong ones are refused."""

import pytest

from famulus.base.errors import UsageError
from famulus.settings.fabric_name import check_name


@pytest.mark.parametrize("name", ["fabric", "a", "A-1_b", "x" * 32])
def test_right_name_is_taken(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", ".", "-a", "_a", "x" * 33, "x" * 200, "ä", "a b", "a\n"]
)
def test_wrong_name_is_refused(name):
    with pytest.raises(UsageError, match="cannot name a fabric") as caught:
        check_name(name)
    assert "1 to 32 letters" in caught.value.hint
    assert len(caught.value.brief) < 80
