# SPDX-License-Identifier: GPL-2.0-or-later
"""The accelerator of nodes that start: KVM only after a trial that booted."""

import pytest

from famulus.backend.qemu import kvm_trial
from famulus.base.errors import FamulusError
from famulus.base.events import Events, Sink
from famulus.fabric import accelerator
from famulus.fabric.fabric import Fabric
from famulus.host import kvm_verdict
from famulus.node.node import Node
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus.template import store
from famulus.template.store import Template


class Notes(Sink):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Host:
    """A host with KVM, on which a trial has the result `verdict`."""

    def __init__(self) -> None:
        self.verdict = ""
        self.trials = 0
        self.sink = Notes()

    def obstacle(self, *_: object) -> str:
        self.trials += 1
        return self.verdict

    def choose(self, accel: str = "auto") -> str:
        spec = FabricSpec.model_validate({"accel": accel})
        fabric = Fabric(FabricFolder("mine"), Record(spec, "template"))
        return accelerator.choose(fabric, fabric.nodes(), Events(self.sink))


@pytest.fixture
def host(monkeypatch, tmp_path):
    made = Host()
    monkeypatch.setattr(kvm_trial, "obstacle", made.obstacle)
    monkeypatch.setattr(kvm_verdict, "program_version", lambda _: "QEMU 10")
    monkeypatch.setattr(
        accelerator, "choose_accelerator", lambda wanted: wanted.replace("auto", "kvm")
    )
    monkeypatch.setattr(store, "find", lambda _: Template(tmp_path, "trixie", "cloud"))
    monkeypatch.setattr(Node, "running", lambda _: False)
    return made


def test_kvm_is_tried_once(host):
    assert [host.choose(), host.choose(), host.choose("kvm")] == ["kvm"] * 3
    assert host.trials == 1
    assert host.sink.notes == []


def test_a_trial_that_boots_nothing_means_tcg_and_one_line(host):
    host.verdict = "KVM internal error"
    assert [host.choose(), host.choose()] == ["tcg"] * 2
    assert host.trials == 1
    for note in host.sink.notes:
        assert "TCG, because a trial booted nothing (KVM internal error)" in note
        assert "--accel kvm" in note
        assert "\n" not in note


def test_kvm_that_is_asked_for_is_tried_again(host):
    host.verdict = "KVM internal error"
    assert host.choose() == "tcg"
    with pytest.raises(FamulusError, match="KVM was asked for, but a trial booted nothing"):
        host.choose("kvm")
    host.verdict = ""
    assert [host.choose("kvm"), host.choose()] == ["kvm"] * 2
    assert host.trials == 3


def test_nothing_is_tried_for_running_nodes_or_translated_code(host, monkeypatch):
    assert host.choose("tcg") == "tcg"
    monkeypatch.setattr(Node, "running", lambda _: True)
    assert host.choose() == "kvm"
    assert host.trials == 0
