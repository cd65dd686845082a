# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide how `configure` proceeds: first all checks, then all questions; nothing changes yet."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from famulus.backend.libvirt import bridge, virt
from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.base.privileged import RootStep, is_root, require_sudo
from famulus.export import earlier
from famulus.export.configure_order import Order
from famulus.fabric import doctor
from famulus.host.check import require
from famulus.state.folder import FabricFolder

Ask = Callable[[str], bool]


@dataclass(frozen=True)
class Plan:
    """The decisions.

    `base` is the image that disks are made from, None if the template must be built. `steps` need
    root, and so does `network`, which is None where libvirt serves this user.
    """

    base: Path | None
    steps: list[RootStep]
    network: RootStep | None


def make_plan(order: Order, ask: Ask, events: Events) -> Plan:
    """Return the plan for `order`. Raises FamulusError if a check or an answer forbids it."""
    with events.step("check the host"):
        closed = not is_root() and virt.is_closed()
        _check_host(order, closed=closed)
        earlier.require_unused(order.artifacts)
        steps = _root_steps(order)
    base = _existing_template(order, ask)
    earlier.require_room(order.artifacts, order.spec.nodes, base)
    _ask_to_replace(order, ask)
    network = network_step(order) if closed else None
    agreed = _ask_for_root(steps, network, ask, events)
    require_sudo([*([network] if network else []), *agreed])
    return Plan(base, agreed, network)


def _check_host(order: Order, *, closed: bool) -> None:
    """Raise FamulusError for a defect of the host. No machine is started, no domain is defined.

    If libvirt is `closed` to this user, only root can ask libvirt more.
    """
    findings = doctor.check(FabricFolder(order.fabric), order.spec)
    ignored = {"memory", "domains", *(("libvirt",) if closed else ())}
    require(finding for finding in findings if finding.name not in ignored)
    if closed:
        order.network.require_free_subnet()
    else:
        order.network.require_free()


def network_step(order: Order, verb: str = "create") -> RootStep:
    """Return the step that makes the network as root, or, with the verb `remove`, removes it."""
    spec = order.spec
    words = [str(spec.nodes), "--subnet", str(spec.subnet)] if verb == "create" else []
    return RootStep(
        f"{verb} the network {order.network.name}",
        "libvirtd serves root and the members of the group libvirt only",
        [sys.executable, "-m", "famulus", "network", verb, *words, "--fabric", order.fabric],
    )


def _root_steps(order: Order) -> list[RootStep]:
    steps = (bridge.allow_step(order.network.bridge), bridge.set_uid_step())
    return [step for step in steps if step]


def _existing_template(order: Order, ask: Ask) -> Path | None:
    """Return the template in the folder if the user wants to use it again."""
    image = order.artifacts.template
    if order.reuse is False or not earlier.is_template(image):
        return None
    return image if order.reuse or ask(f"Re-use existing {image}") else None


def _ask_to_replace(order: Order, ask: Ask) -> None:
    wanted = range(1, order.spec.nodes + 1)
    disks = [path for number, path in order.artifacts.disks().items() if number in wanted]
    question = f"Replace {earlier.names(disks)} and all that was written there"
    if disks and not ask(question):
        raise FamulusError(
            f"the disks in {order.artifacts.folder} stay as they are, and nothing was done",
            hint="--yes replaces the disks; ARTDIR (or --artdir) chooses another folder.",
        )


def _ask_for_root(
    steps: list[RootStep], network: RootStep | None, ask: Ask, events: Events
) -> list[RootStep]:
    """Return the steps that the user agrees to.

    Without the helper's set-uid bit, root alone can start machines; without the bridge in the
    helper's list nobody can, so that a refusal of that step ends the command.
    """
    for step in (*([network] if network else []), *steps):
        events.note(f"to {step.action}, as root: {step.line}")
    agreed = []
    for step in steps:
        if ask(f"{step.action[0].upper()}{step.action[1:]} ({step.reason})"):
            agreed.append(step)
        elif step.argv[-1] == str(bridge.HELPER):
            events.note("the script can then be started by root only")
        else:
            raise FamulusError(
                f"no machine can join the network unless you {step.action}; nothing was done",
                hint=f"As root: {step.line}",
            )
    return agreed
