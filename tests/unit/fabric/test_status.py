# SPDX-License-Identifier: GPL-2.0-or-later
"""The state of all fabrics."""

import pytest

from famulus.fabric import status
from famulus.fabric.hooks import Hooks
from famulus.state.folder import FabricFolder


def test_a_fabric_that_is_removed_meanwhile_is_neither_listed_nor_an_error(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(status, "all_fabrics", lambda: [FabricFolder("removed")])
    assert status.every_fabric(Hooks()) == ([], [])
