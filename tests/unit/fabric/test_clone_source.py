# SPDX-License-Identifier: GPL-2.0-or-later
"""The decision whether new nodes are cloned or boot."""

from unittest.mock import Mock

import pytest

from famulus.fabric.clone_source import choose_snapshot
from famulus.fabric.fabric import Fabric
from famulus.settings.spec import FabricSpec
from famulus.snapshot import freeze
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus.template import store

ASKED = "a snapshot was asked for"


@pytest.fixture(autouse=True)
def template(monkeypatch: pytest.MonkeyPatch) -> None:
    """The template is there; nobody makes a snapshot."""
    monkeypatch.setattr(store, "hold", lambda _: Mock())
    monkeypatch.setattr(freeze, "ensure", Mock(side_effect=LookupError(ASKED)))


def choose(has_disk: bool = False, **settings: object) -> list[str]:
    """Return the notes of a choice that makes no snapshot."""
    fabric = Fabric(FabricFolder("f"), Record(FabricSpec.model_validate(settings), "0" * 16))
    events = Mock()
    node = Mock()
    node.has_disk.return_value = has_disk
    assert choose_snapshot(fabric, [node], "tcg", events) is None
    return [call.args[0] for call in events.note.call_args_list]


def test_nodes_without_a_disk_are_cloned():
    with pytest.raises(LookupError, match=ASKED):
        choose()


def test_nodes_with_disks_need_no_snapshot():
    assert choose(has_disk=True) == []


def test_cold_nodes_boot():
    assert choose(cold=True) == []


def test_libvirts_nodes_boot_and_the_user_learns_why():
    (note,) = choose(network="libvirt")
    assert note == "new nodes are booted, not cloned: libvirt restores only what it has saved"
    assert choose(network="libvirt", cold=True) == []


def test_without_the_template_nothing_is_cloned(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "hold", lambda _: None)
    assert choose() == []
