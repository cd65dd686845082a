# SPDX-License-Identifier: GPL-2.0-or-later
"""Check whether this host can run a fabric: the findings of `host` and of the back end."""

from famulus.fabric.backends import choose
from famulus.fabric.pools import chosen_place
from famulus.host.check import check_host
from famulus.host.finding import Finding
from famulus.node.backend import clones
from famulus.settings.identity import Identity
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder


def check(folder: FabricFolder, spec: FabricSpec, *, running: int = 0) -> list[Finding]:
    """Return the findings about this host for a fabric in `folder` as `spec` wants it.

    `running` of its nodes run already. The order is that of the findings' weight. Takes a few
    tenths of a second and changes nothing.
    """
    nodes = [Identity(number, spec.subnet) for number in range(1, spec.nodes + 1)]
    backend, pool = choose(folder, spec), chosen_place(folder, spec)
    return [
        *check_host(
            spec, pool, running=running, clones=clones(spec, backend), programs=backend.programs
        ),
        *backend.findings(pool, nodes),
    ]
