# SPDX-License-Identifier: GPL-2.0-or-later
"""The state of all fabrics."""

from unittest.mock import Mock

import pytest

from famulus.fabric import status
from famulus.fabric.hooks import Hooks
from famulus.state.folder import FabricFolder


def test_a_fabric_that_is_removed_meanwhile_is_neither_listed_nor_an_error(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(status, "all_fabrics", lambda: [FabricFolder("removed")])
    assert status.every_fabric(Hooks()) == ([], [])


@pytest.mark.parametrize(("state", "pid"), [("stopped", None), ("paused", 1)])
def test_a_stopped_node_has_no_pid(monkeypatch: pytest.MonkeyPatch, state: str, pid: int | None):
    """A clone whose `up` was killed never ran, but its QEMU is there until the next `up`."""
    monkeypatch.setattr(status, "memory_of", lambda _pid: Mock(private=5, proportional=6))
    node = Mock(number=1)
    node.state.return_value = state
    node.runner.pid.return_value = 1
    node.waits.return_value = None
    found = status._node_status(Mock(ways={}), node)
    assert (found.pid, found.memory) == (pid, 5 if pid else None)
