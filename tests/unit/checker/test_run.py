# SPDX-License-Identifier: GPL-2.0-or-later
"""The fabric that `check` makes for one run: its name and its settings."""

import pytest

from famulus.base.events import Events
from famulus.checker import run
from famulus.settings.sources import load_spec
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record

OTHERS = """
pool = "64M"
pool_file = "kept.bin"
network = "libvirt"
accel = "kvm"
check = true
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The names and specs of the fabrics that runs brought up."""
    found = []

    def bring_up(name, flags, file, *_):
        found.append((name, load_spec(flags, env={}, file=file)))

    monkeypatch.setattr(run, "up", bring_up)
    (tmp_path / "fabric.toml").write_text(OTHERS)

    def make(fabric=None):
        request = run.Request("/bin/true", fabric=fabric, settings=tmp_path / "fabric.toml")
        with run._fabric(request, Events()):
            return found[-1]

    return make


def test_fabric_of_one_run_takes_no_resource_of_others(made):
    _, spec = made()
    assert spec.pool_file is None
    assert (spec.network, spec.accelerator) == ("user", "tcg")
    assert spec.noncoherent
    assert not spec.check
    assert spec.pool == 64 << 20


def test_name_of_a_fabric_that_a_killed_run_left_is_not_used_again(made):
    left, _ = made()
    folder = FabricFolder(left)
    folder.path.mkdir(parents=True)
    folder.write(Record(FabricSpec(), "none"))
    again, _ = made()
    assert again != left
    assert folder.exists()


def test_named_fabric_keeps_its_pool_file(made, tmp_path):
    (tmp_path / "fabric.toml").write_text('pool_file = "kept.bin"')
    name, spec = made("named")
    assert (name, spec.pool_file) == ("named", tmp_path / "kept.bin")
