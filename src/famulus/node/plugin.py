# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin in a node's machine: attach its cache, switch its cache and its stream on and off."""

from famulus.coherence.caches import CACHES, STREAMS
from famulus.node.node import Node


def attach(node: Node) -> None:
    """Give the node, which does not run, an empty cache; nothing happens without a plugin."""
    if node.plugin_caches:
        node.plugin_caches.attach(node.number)


def detach(node: Node, *, killed: bool) -> None:
    """Remove the cache of the node that has ended; lines that were not written back are lost.

    `killed` tells whether the node was ended at once. Nothing happens without a plugin.
    """
    if node.plugin_caches:
        node.plugin_caches.detach(node.number, killed=killed)


def use_cache(node: Node) -> None:
    """Switch on the cache of the node that has started; until then it costs and does nothing."""
    caches = node.plugin_caches
    if caches and node.spec.noncoherent and not caches.used(node.number):
        _switch(node, CACHES | STREAMS if node.spec.check else CACHES)


def stream(node: Node, *, begin: bool) -> None:
    """Have the plugin of the running node report accesses to the pool from now on, or stop it."""
    always = CACHES if node.spec.noncoherent else 0
    _switch(node, always | STREAMS if begin else always)


def hurry(node: Node) -> None:
    """Have the CPUs of `node`, which is about to end, wait for no reader of its accesses."""
    if node.plugin_caches:
        node.plugin_caches.hurry(node.number, begin=True)


def _switch(node: Node, parts: int) -> None:
    """Have the plugin do `parts`, a sum of CACHES and STREAMS; the plugin does them on return.

    The plugin looks for a new request when the node's CPUs halt for a moment.
    """
    if node.plugin_caches:
        node.plugin_caches.hurry(node.number, begin=False)
        node.plugin_caches.ask(node.number, parts)
        node.pause()
        node.resume()
        node.plugin_caches.want(node.number, parts)
