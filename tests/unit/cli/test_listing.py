# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus list`: a fabric that cannot be read hides none of the others."""

import json
from pathlib import Path

import pytest

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.cli.listing import list_fabrics
from famulus.cli.status import status
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record


@pytest.fixture
def good() -> None:
    make("good", FabricSpec(nodes=2))


def make(name: str, spec: FabricSpec) -> None:
    folder = FabricFolder(name)
    paths.make_private(folder.path)
    folder.write(Record(spec, "template"))


def broken(name: str) -> None:
    folder = FabricFolder(name)
    paths.make_private(folder.path)
    (folder.path / "state.json").write_text("{", encoding="utf-8")


@pytest.mark.usefixtures("good")
def test_a_fabric_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    list_fabrics()
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["good", "2", "0"]


def test_a_pool_with_brackets_in_its_path_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    make("odd", FabricSpec(pool_file=Path("/tmp/[/]p[red]")))
    list_fabrics()
    status("odd")
    assert capsys.readouterr().out.count("/tmp/[/]p[red]") == 2


def test_without_fabrics_the_hint_is_up(capsys: pytest.CaptureFixture[str]) -> None:
    list_fabrics()
    assert capsys.readouterr().out == "no fabrics; `famulus up N` makes a fabric\n"


@pytest.mark.usefixtures("good")
def test_a_fabric_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+unix:///system?socket=/nonexistent")
    make("bridged", FabricSpec(network="libvirt"))
    with pytest.raises(FamulusError, match="fabric 'bridged': libvirt does not answer") as caught:
        list_fabrics(json_output=True)
    assert "systemctl start libvirtd" in caught.value.hint
    assert [fabric["name"] for fabric in json.loads(capsys.readouterr().out)] == ["good"]


def test_several_fabrics_that_cannot_be_read_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken("one")
    broken("two")
    with pytest.raises(FamulusError, match="2 fabrics failed") as caught:
        list_fabrics()
    assert "fabric 'two': the state of fabric 'two' cannot be read" in caught.value.details
    assert capsys.readouterr().out == ""
