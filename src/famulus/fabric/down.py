# SPDX-License-Identifier: GPL-2.0-or-later
"""Take a fabric down: end all its processes; with purge, remove all its files."""

import contextlib
from collections.abc import Iterator

from famulus.base.errors import FamulusError
from famulus.base.events import Events, Step
from famulus.base.lockfile import NoLocksError
from famulus.doorbell.service import Doorbell
from famulus.fabric import backends
from famulus.fabric.fabric import Fabric, locked
from famulus.fabric.hooks import Hooks
from famulus.fabric.parallel import each, host_width
from famulus.fabric.pools import give_up_pools, kept, owns_pool
from famulus.node import lifecycle, plugin
from famulus.node.backend import Network
from famulus.node.node import Node
from famulus.settings.identity import node_name
from famulus.state.folder import FabricFolder


def down(
    name: str, events: Events, hooks: Hooks, *, purge: bool = False, force: bool = False
) -> None:
    """Stop every node, then the network. The pool and the nodes' disks stay unless `purge` is set.

    Nodes shut down as their owner would do it. With `force`, and if a node does not shut down, the
    node is ended at once. With `purge`, the state of the fabric need not be readable. Raises
    FamulusError if there is no fabric of that name, or, before any node ends, if the pool would be
    lost, unless `force` is set.
    """
    folder = FabricFolder(name)
    if not folder.path.is_dir() or not (folder.exists() or purge):
        folder.read()
    with _alone(folder, events):
        fabric = _readable(folder, purge=purge)
        with _pool_kept(fabric, events, purge=purge, force=force):
            if fabric and not force:
                _shut_down(fabric, events)
            sweep(folder, hooks)
        if fabric and owns_pool(fabric):
            fabric.caches.remove()
        if purge:
            _purge(folder, fabric, events)


@contextlib.contextmanager
def _alone(folder: FabricFolder, events: Events) -> Iterator[None]:
    """Hold the fabric's lock; go on without the lock if the file system has no locks."""
    with contextlib.ExitStack() as lock:
        try:
            lock.enter_context(locked(folder, events))
        except NoLocksError as error:
            events.note(f"{error.brief}; `down` goes on without the lock")
        yield


@contextlib.contextmanager
def _pool_kept(
    fabric: Fabric | None, events: Events, *, purge: bool, force: bool
) -> Iterator[None]:
    """Keep a pool whose name is gone while the block ends the nodes; see `pools.kept`."""
    with contextlib.ExitStack() as stack:
        if fabric and not purge:
            try:
                stack.enter_context(kept(fabric, events))
            except FamulusError as error:
                if not force:
                    raise
                events.note(f"{error.brief}; the pool is lost")
        yield


def _readable(folder: FabricFolder, *, purge: bool) -> Fabric | None:
    try:
        return Fabric(folder, folder.read())
    except FamulusError:
        if purge:
            return None
        raise


def _shut_down(fabric: Fabric, events: Events) -> None:
    nodes = [node for node in [*fabric.nodes(), *fabric.surplus()] if node.running()]
    if not nodes:
        return
    each(nodes, plugin.hurry)
    with events.step("shut down") as step:
        left = [node.number for node in nodes]

        def stop(node: Node) -> None:
            _stop_or_kill(node, events)
            left.remove(node.number)
            _report(step, len(nodes) - len(left), len(nodes))

        each(nodes, stop, width=host_width())


def _report(step: Step, done: int, total: int) -> None:
    step.detail(f"{done} of {total} are off")


def _stop_or_kill(node: Node, events: Events) -> None:
    try:
        lifecycle.stop(node)
    except FamulusError as error:
        events.note(f"{error.brief}; {node.name} is ended at once")
        lifecycle.kill(node)


def sweep(folder: FabricFolder, hooks: Hooks) -> None:
    """End every process and shared connection of the fabric, even without a right state file."""
    backends.end_all(folder)
    Doorbell(folder.doorbell).stop()
    hooks.on_sweep(folder)
    for path in backends.node_folders(folder):
        with contextlib.suppress(ValueError):
            number = int(path.name.removeprefix("node"))
            lifecycle.forget_connections(folder, node_name(number))


def _remove_network(network: Network, events: Events) -> None:
    try:
        network.remove()
    except FamulusError as error:  # the user's own machines are on the network
        events.note(f"{error.brief}; the network stays. {error.hint}")


def _purge(folder: FabricFolder, fabric: Fabric | None, events: Events) -> None:
    backends.forget_all(folder)
    if fabric:
        _remove_network(fabric.network, events)
    for path in give_up_pools(folder, fabric):
        events.note(f"{path} stays: this fabric did not make that file")
    folder.remove()
    events.note(f"removed {folder.path}")
