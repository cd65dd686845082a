# SPDX-License-Identifier: GPL-2.0-or-later
"""A start of nodes that are about to end when the start begins."""

from contextlib import ExitStack
from unittest.mock import Mock

import pytest

from famulus.base.errors import FamulusError
from famulus.fabric import start
from famulus.node.lifecycle import RestoreError
from famulus.snapshot import freeze

RESET = FamulusError("the node's agent cannot be reached: Connection reset by peer")


def bring_up(monkeypatch, state: str, *, ends: bool, outcomes: list[FamulusError | None]) -> Mock:
    """`_bring_up` a node in `state`; attempts fail or succeed by `outcomes`."""
    converge = Mock(side_effect=outcomes)
    monkeypatch.setattr(start, "_converge", converge)
    node = Mock()
    node.state.return_value = state
    node.last_words.return_value = ""
    node.runner.wait_gone.side_effect = None if ends else FamulusError("it still runs")
    start._bring_up(Mock(), node, ExitStack())
    return converge


def test_a_failed_start_has_the_last_words_of_the_hypervisor(monkeypatch):
    monkeypatch.setattr(start, "_converge", Mock(side_effect=FamulusError("it failed")))
    node = Mock()
    node.state.return_value = "stopped"
    node.last_words.return_value = "qemu: no memory"
    with pytest.raises(FamulusError, match="it failed") as caught:
        start._bring_up(Mock(), node, ExitStack())
    assert caught.value.details == "qemu: no memory"


def test_a_node_that_was_powering_off_is_started_again(monkeypatch):
    converge = bring_up(monkeypatch, "running", ends=True, outcomes=[RESET, None])
    assert converge.call_count == 2


@pytest.mark.parametrize(("state", "ends"), [("running", False), ("stopped", True)])
def test_other_failures_are_not_tried_again(monkeypatch, state, ends):
    with pytest.raises(FamulusError, match="reset by peer"):
        bring_up(monkeypatch, state, ends=ends, outcomes=[RESET, None])


@pytest.fixture
def snapshots(monkeypatch):
    """Which snapshots were made beside the first, and which were discarded."""
    events = Mock()
    events.another.return_value.digest = "second"
    monkeypatch.setattr(start, "another_snapshot", events.another)
    monkeypatch.setattr(freeze, "discard", events.discard)
    return events


def begun(snapshot: object) -> start._Start:
    return start._Start(Mock(), "tcg", Mock(), snapshot)  # type: ignore[arg-type]


def test_a_snapshot_that_is_not_restored_stays_and_the_next_goes_if_it_fails_too(snapshots):
    undo = ExitStack()
    other = start._another(begun(Mock(digest="first")), RestoreError("refused"), undo)
    assert other.digest == "second"
    assert not snapshots.discard.called
    undo.close()
    snapshots.discard.assert_called_once_with(other)


def test_a_node_with_a_disk_fails_without_a_snapshot(snapshots):
    with pytest.raises(RestoreError, match="refused"):
        start._another(begun(None), RestoreError("refused"), ExitStack())
    assert not snapshots.another.called


def test_a_node_that_ends_twice_fails(monkeypatch):
    with pytest.raises(FamulusError, match="reset by peer"):
        bring_up(monkeypatch, "running", ends=True, outcomes=[RESET, RESET])
