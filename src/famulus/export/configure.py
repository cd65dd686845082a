# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the artifacts of the 2016 script: a disk for each node, the template, a script to start.

The artifacts need nothing of Famulus. Everything is checked first, then the user is asked, then the
artifacts are made; a failure undoes the changes.
"""

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from famulus.backend.libvirt.subnet import has_interface
from famulus.base.errors import UsageError
from famulus.base.events import Events
from famulus.base.files import write_private
from famulus.base.logfile import write_log
from famulus.base.privileged import carry_out
from famulus.export import earlier
from famulus.export.artifacts import Artifacts, give_to_caller
from famulus.export.configure_order import Order
from famulus.export.configure_plan import Ask, Plan, make_plan, network_step
from famulus.export.image.convert import convert, copy_raw
from famulus.export.image.edit import write_files
from famulus.export.image.tarball import write_tar
from famulus.export.script import invocation_script
from famulus.fabric.parallel import in_words
from famulus.fabric.templates import rebuilt
from famulus.node import identify
from famulus.node.node import Node
from famulus.settings.spec import FabricSpec
from famulus.template.build import ensure
from famulus.transport import ssh


def configure(order: Order, ask: Ask, events: Events) -> None:
    """Make all artifacts of `order`, after questions about every change that is not obvious.

    On return all artifacts are there and the network runs. After a failure, a refusal or an
    interrupt, the artifacts are as before and a new network is gone. Raises FamulusError.
    """
    artifacts = order.artifacts
    _refuse_passwords(order.spec)
    artifacts.require_folder()
    with artifacts.locked(), ExitStack() as undo:
        artifacts.keep_previous_log()
        write_log(artifacts.log)
        undo.callback(give_to_caller, [artifacts.log])
        _carry_out(order, make_plan(order, ask, events), events)
        give_to_caller([*artifacts.disks().values(), *_others(artifacts)])
        _report_left_over(order, events)


def _refuse_passwords(spec: FabricSpec) -> None:
    usual = FabricSpec()
    passwords = (spec.root_password, spec.fabric_password)
    if passwords != (usual.root_password, usual.fabric_password):
        raise UsageError(
            "`configure` makes disks with the passwords aresquare and rocks only",
            hint="Leave the passwords out, and change them in the nodes; or use `famulus up`.",
        )


def _carry_out(order: Order, plan: Plan, events: Events) -> None:
    with ExitStack() as network:
        with order.artifacts.made() as new:
            _make(order, plan, new, events)
            _start_network(order, plan, network, events)
            for step in plan.steps:
                carry_out(step)
        network.pop_all()


def _make(order: Order, plan: Plan, new: Artifacts, events: Events) -> None:
    base = plan.base or _template(order, new, events)
    if plan.base is None or not order.artifacts.tar.exists():
        with events.step(f"write {new.tar.name}"):
            write_tar(base, new.tar)
    _make_disks(order, base, new, events)
    write_private(new.script, invocation_script(order.script, datetime.now().astimezone()), 0o755)


def _template(order: Order, new: Artifacts, events: Events) -> Path:
    """Have the template built, and return a copy of its image among the new artifacts."""
    template = (rebuilt if order.reuse is False else ensure)(order.spec, events)
    earlier.require_room(order.artifacts, order.spec.nodes, template.disk)
    with events.step(f"copy {new.template.name}"):
        copy_raw(template.disk, new.template)
    new.template.chmod(0o600)
    return new.template


def _make_disks(order: Order, base: Path, new: Artifacts, events: Events) -> None:
    nodes = order.nodes
    _make_keys(nodes)
    shared = identify.shared_files(nodes, order.network.name_server)
    work = new.folder / "work.img"
    with events.step(f"make the disks of {in_words(nodes)}") as step:
        copy_raw(base, work)
        for node in nodes:
            step.detail(new.disk(node.number).name)
            write_files(work, [*shared, *identify.disk_files(node)])
            convert(work, "raw", new.disk(node.number), "qcow2")
    work.unlink()


def _make_keys(nodes: list[Node]) -> None:
    folder = nodes[0].folder.path
    for node in nodes:
        identify.host_key(node)
    ssh.ensure_key(folder / "id_ed25519", folder.name)


def _start_network(order: Order, plan: Plan, undo: ExitStack, events: Events) -> None:
    network = order.network
    if plan.network:
        if not has_interface(network.bridge):
            undo.callback(carry_out, network_step(order, "remove"))
        carry_out(plan.network)
        return
    with events.step(f"network {network.name}"):
        if not network.running():
            undo.callback(network.stop)
        network.start()


def _others(artifacts: Artifacts) -> list[Path]:
    return [artifacts.script, artifacts.template, artifacts.tar]


def _report_left_over(order: Order, events: Events) -> None:
    disks = earlier.left_over(order.artifacts, order.spec.nodes)
    if not disks:
        return
    if order.prune:
        for disk in disks:
            disk.unlink()
        events.note(f"removed {earlier.names(disks)}")
    else:
        events.note(f"left over from before: {earlier.names(disks)}; --prune removes such disks")
