# SPDX-License-Identifier: GPL-2.0-or-later
"""Choose the accelerator of nodes that start. KVM is tried before the first node relies on it."""

from collections.abc import Sequence

from famulus.backend.machine import PROGRAM
from famulus.backend.qemu import kvm_trial
from famulus.base.events import Events
from famulus.fabric.fabric import Fabric
from famulus.host import kvm_verdict
from famulus.host.accelerator import (
    Accelerator,
    choose_accelerator,
    fall_back,
    instead_of_kvm,
    trial_obstacle,
)
from famulus.node.node import Node
from famulus.template import store
from famulus.template.store import Template


def choose(fabric: Fabric, nodes: Sequence[Node], events: Events) -> Accelerator:
    """Return the accelerator for those of `nodes` that start.

    KVM is tried once for each boot of the host, with a kernel of the nodes, and again if the
    settings ask for KVM. Where KVM boots nothing, nodes get TCG, and the user a note with the cure.
    Raises FamulusError if the settings ask for KVM and KVM cannot be used.
    """
    wanted = fabric.spec.accelerator
    accel, template = choose_accelerator(wanted), _template(fabric, nodes)
    if accel == "tcg" or template is None or all(node.running() for node in nodes):
        return accel
    verdict = _verdict(template, events, again=wanted == "kvm")
    if not verdict:
        return "kvm"
    finding = fall_back(*trial_obstacle(verdict))
    accel = instead_of_kvm(wanted, trial_obstacle(verdict))
    events.note(f"{finding.name}: {finding.text}. {finding.cure}")
    return accel


def _verdict(template: Template, events: Events, *, again: bool) -> str:
    """Return why KVM boots nothing; "" if KVM boots."""
    known = kvm_verdict.remembered(PROGRAM)
    if known is None or (known and again):
        with events.step("try KVM, once for each boot of the host"):
            known = kvm_trial.obstacle(template.kernel, template.initrd)
        kvm_verdict.remember(PROGRAM, known)
    return known


def _template(fabric: Fabric, nodes: Sequence[Node]) -> Template | None:
    """Return a template whose kernel the nodes boot, or None if none of them is there."""
    digests = (fabric.record.template, *(node.template() for node in nodes))
    return next(filter(None, (store.find(digest) for digest in digests if digest)), None)
