# SPDX-License-Identifier: GPL-2.0-or-later
"""`up` on a fabric whose nodes run: which changes are refused."""

from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.fabric.fabric import Fabric
from famulus.fabric.up import _refuse_change
from famulus.pool.place import shared_place
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record

NAME = "changed"


@pytest.fixture(autouse=True)
def alive(monkeypatch):
    """A switch that says whether nodes run: `alive[0]`."""
    state = [True]
    monkeypatch.setattr(Fabric, "alive", lambda _: state[0])
    return state


def change(before: FabricSpec, after: FabricSpec) -> None:
    _refuse_change(Fabric(FabricFolder(NAME), Record(before, "")), after)


def test_default_pool_file_may_be_named():
    default = FabricSpec()
    change(default, FabricSpec(pool_file=shared_place(NAME)))


def test_other_pool_file_is_refused_while_nodes_run(alive):
    default = shared_place(NAME)
    with pytest.raises(FamulusError) as caught:
        change(FabricSpec(), FabricSpec(pool_file=Path("/p")))
    assert f"the pool file {default}; it cannot become /p now" in caught.value.brief
    assert caught.value.exit_code == 1
    alive[0] = False
    change(FabricSpec(), FabricSpec(pool_file=Path("/p")))


def test_settings_of_a_single_node_may_change_while_nodes_run():
    change(FabricSpec(), FabricSpec(memory=1 << 30, cpus=2, doorbell=True, accel="tcg", nodes=3))
