# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the ancestor's artifacts: a disk for each node, the template, a script that starts them.

What it makes needs nothing of Famulus any more. Everything is checked first, then asked, then done;
what fails half-way is undone.
"""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from famulus.backend.libvirt import bridge, virt
from famulus.backend.libvirt.network import LibvirtNetwork, network_name
from famulus.backend.libvirt.subnet import has_interface
from famulus.base.errors import FamulusError, UsageError
from famulus.base.events import Events
from famulus.base.files import write_private
from famulus.base.logfile import write_log
from famulus.base.privileged import RootStep, carry_out, is_root, require_sudo
from famulus.export import artdir
from famulus.export.image.artifacts import Artifacts, give_to_caller
from famulus.export.image.convert import convert
from famulus.export.image.edit import write_files
from famulus.export.image.tarball import write_tar
from famulus.export.script import Nodes, invocation_script
from famulus.fabric.fabric import Fabric
from famulus.fabric.parallel import in_words
from famulus.fabric.templates import rebuilt
from famulus.host.check import check_host, require
from famulus.node import identify
from famulus.node.node import Node
from famulus.pool.file import pool_path
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus.template.build import ensure
from famulus.transport import ssh

Ask = Callable[[str], bool]


@dataclass(frozen=True)
class Order:
    """What the user asked for.

    `fabric` names the network and the pool. `reuse` says whether the template in the folder is used
    again, None that it is asked. `prune` removes disks of nodes that are no longer wanted.
    """

    fabric: str
    spec: FabricSpec
    artifacts: Artifacts
    reuse: bool | None = None
    prune: bool = False

    @property
    def script(self) -> Nodes:
        """What the script is about."""
        network = self.network
        return Nodes(
            number=self.spec.nodes,
            folder=self.artifacts.folder,
            memory=self.spec.memory,
            cpus=self.spec.cpus,
            pool_file=pool_path(self.fabric, self.spec),
            pool_size=self.spec.pool,
            network=network.name,
            bridge=network.bridge,
            subnet=self.spec.subnet,
            helper=bridge.HELPER,
        )

    @property
    def network(self) -> LibvirtNetwork:
        """The network of the nodes."""
        nodes = tuple(node.identity for node in self.nodes)
        return LibvirtNetwork(network_name(self.fabric), self.spec.subnet, nodes)

    @property
    def nodes(self) -> list[Node]:
        """The nodes; their keys lie in a folder that follows from the artifacts'."""
        mark = Nodes.mark_of(self.artifacts.folder)
        return Fabric(FabricFolder(f"artdir-{mark}"), Record(self.spec, "")).nodes()


@dataclass(frozen=True)
class _Plan:
    """What was decided.

    `base` is the image that disks are made from, None if it must be built. `steps` need root, and
    so does `network` where libvirt does not let this user in.
    """

    base: Path | None
    steps: list[RootStep]
    network: RootStep | None


def configure(order: Order, ask: Ask, events: Events) -> None:
    """Make everything that `order` wants, after having asked what may not go without saying.

    On return all artifacts are there and the network runs. If it fails, is refused or interrupted,
    the artifacts are those of before and a network that it made is gone. Raises FamulusError.
    """
    artifacts = order.artifacts
    _refuse_passwords(order.spec)
    artifacts.require_folder()
    with artifacts.locked(), ExitStack() as undo:
        artifacts.keep_previous_log()
        write_log(artifacts.log)
        undo.callback(give_to_caller, [artifacts.log])
        plan = _plan(order, ask, events)
        with ExitStack() as network:
            with artifacts.made() as new:
                _make(order, plan, new, events)
                _start_network(order, plan, network, events)
                for step in plan.steps:
                    carry_out(step)
            network.pop_all()
        give_to_caller([*artifacts.disks().values(), *_others(artifacts)])
        _report_left_over(order, events)


def _others(artifacts: Artifacts) -> list[Path]:
    return [artifacts.script, artifacts.template, artifacts.tar]


def _refuse_passwords(spec: FabricSpec) -> None:
    usual = FabricSpec()
    passwords = (spec.root_password, spec.fabric_password)
    if passwords != (usual.root_password, usual.fabric_password):
        raise UsageError(
            "`configure` makes disks with the passwords aresquare and rocks only",
            hint="Leave the passwords out, and change them in the nodes; or use `famulus up`.",
        )


def _plan(order: Order, ask: Ask, events: Events) -> _Plan:
    """Check all that can be checked, then ask all that must be asked. Nothing has changed yet."""
    with events.step("check the host"):
        closed = not is_root() and virt.is_closed()
        _check_host(order, closed=closed)
        artdir.require_unused(order.artifacts)
        steps = _root_steps(order)
    base = _existing_template(order, ask)
    artdir.require_room(order.artifacts, order.spec.nodes, base)
    _ask_to_replace(order, ask)
    network = _network_step(order) if closed else None
    agreed = _ask_for_root(steps, network, ask, events)
    require_sudo([*([network] if network else []), *agreed])
    return _Plan(base, agreed, network)


def _check_host(order: Order, *, closed: bool) -> None:
    """Raise FamulusError for what is missing here. Memory is not: nothing is started.

    Where libvirt is `closed` to this user only root can ask it more.
    """
    findings = check_host(order.spec, pool_path(order.fabric, order.spec))
    ignored = {"memory", "libvirt"} if closed else {"memory"}
    require(finding for finding in findings if finding.name not in ignored)
    if closed:
        order.network.require_free_subnet()
    else:
        order.network.require_free()


def _network_step(order: Order, verb: str = "create") -> RootStep:
    """Return what makes the network as root, or, with the verb `remove`, removes it."""
    spec = order.spec
    what = [str(spec.nodes), "--subnet", str(spec.subnet)] if verb == "create" else []
    return RootStep(
        f"{verb} the network {order.network.name}",
        "libvirtd does not let you in; the members of the group libvirt it does",
        [sys.executable, "-m", "famulus", "network", verb, *what, "--fabric", order.fabric],
    )


def _root_steps(order: Order) -> list[RootStep]:
    steps = (bridge.allow_step(order.network.bridge), bridge.set_uid_step())
    return [step for step in steps if step]


def _existing_template(order: Order, ask: Ask) -> Path | None:
    """Return the template in the folder if it shall be used again."""
    image = order.artifacts.template
    if order.reuse is False or not artdir.is_template(image):
        return None
    return image if order.reuse or ask(f"Re-use existing {image}") else None


def _ask_to_replace(order: Order, ask: Ask) -> None:
    wanted = range(1, order.spec.nodes + 1)
    disks = [path for number, path in order.artifacts.disks().items() if number in wanted]
    question = f"Replace {artdir.names(disks)} and all that was written there"
    if disks and not ask(question):
        raise FamulusError(
            f"the disks in {order.artifacts.folder} stay as they are, and nothing was done",
            hint="--yes replaces them; ARTDIR (or --artdir) chooses another folder.",
        )


def _ask_for_root(
    steps: list[RootStep], network: RootStep | None, ask: Ask, events: Events
) -> list[RootStep]:
    """Return those of `steps` that the user wants. The list of bridges is not for choice."""
    for step in (*([network] if network else []), *steps):
        events.note(f"to {step.what}, as root: {step.line}")
    agreed = []
    for step in steps:
        if ask(f"{step.what[0].upper()}{step.what[1:]} ({step.why})"):
            agreed.append(step)
        elif step.argv[-1] == str(bridge.HELPER):
            events.note("the script can then be started by root only")
        else:
            raise FamulusError(
                "no machine can join the network without that, and nothing was done",
                hint=f"As root: {step.line}",
            )
    return agreed


def _make(order: Order, plan: _Plan, new: Artifacts, events: Events) -> None:
    base = plan.base or _template(order, new, events)
    if plan.base is None or not order.artifacts.tar.exists():
        with events.step(f"write {new.tar.name}"):
            write_tar(base, new.tar)
    _make_disks(order, base, new, events)
    write_private(new.script, invocation_script(order.script, datetime.now().astimezone()), 0o755)


def _template(order: Order, new: Artifacts, events: Events) -> Path:
    """Have the template built, and return the copy that nobody else uses."""
    template = (rebuilt if order.reuse is False else ensure)(order.spec, events)
    artdir.require_room(order.artifacts, order.spec.nodes, template.disk)
    with events.step(f"copy {new.template.name}"):
        artdir.copy_image(template.disk, new.template)
    new.template.chmod(0o600)
    return new.template


def _make_disks(order: Order, base: Path, new: Artifacts, events: Events) -> None:
    nodes = order.nodes
    _make_keys(nodes)
    shared = identify.shared_files(nodes, order.network.name_server)
    work = new.folder / "work.img"
    with events.step(f"make the disks of {in_words(nodes)}") as step:
        artdir.copy_image(base, work)
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


def _start_network(order: Order, plan: _Plan, undo: ExitStack, events: Events) -> None:
    network = order.network
    if plan.network:
        if not has_interface(network.bridge):
            undo.callback(carry_out, _network_step(order, "remove"))
        carry_out(plan.network)
        return
    with events.step(f"network {network.name}"):
        if not network.running():
            undo.callback(network.stop)
        network.start()


def _report_left_over(order: Order, events: Events) -> None:
    found = artdir.left_over(order.artifacts, order.spec.nodes)
    if not found:
        return
    if order.prune:
        artdir.remove(found)
        events.note(f"removed {artdir.names(found)}")
    else:
        events.note(f"left over from before: {artdir.names(found)}; --prune removes such disks")
