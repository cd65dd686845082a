# SPDX-License-Identifier: GPL-2.0-or-later
"""The templates that fabrics need, and the rebuild of a template that no fabric needs."""

import json
from pathlib import Path

import pytest

from famulus.base import lockfile, paths
from famulus.base.errors import FamulusError
from famulus.base.events import Events
from famulus.fabric import templates
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from famulus.template import store
from famulus.template.guest import guest_files
from famulus.template.recipe import Recipe

SPEC = FabricSpec()
DIGEST = Recipe.from_spec(SPEC).digest(guest_files())
OTHER = "0" * 16


def make(root: Path, digest: str, record: str, **content: str) -> Path:
    folder = root / digest
    folder.mkdir(parents=True)
    (folder / record).write_text(json.dumps(content))
    return folder


def make_fabric(name: str, template: str) -> FabricFolder:
    folder = FabricFolder(name)
    paths.make_private(folder.path)
    folder.write(Record(SPEC, template))
    return folder


def test_a_fabric_of_another_release_keeps_the_templates_of_its_nodes():
    folder = make_fabric("strange", DIGEST)
    (folder.path / "state.json").write_text('{"format": 1, "spec": {"new": 1}, "template": "x"}')
    folder.node(3).mkdir()
    (folder.node(3) / "template").write_text(OTHER + "\n")
    assert templates.templates_in_use() == {OTHER: ["strange"]}


def test_a_template_in_use_is_not_rebuilt():
    folder = make(paths.templates(), DIGEST, "template.json", suite="trixie", kernel="cloud")
    make_fabric("mine", DIGEST)
    with pytest.raises(FamulusError, match="while fabric 'mine' stands on it"):
        templates.rebuilt(SPEC, Events())
    assert folder.exists()


def test_prune_removes_the_snapshots_of_the_templates_that_go():
    old = make(paths.templates(), DIGEST, "template.json", suite="trixie", kernel="cloud")
    needed = make(paths.templates(), OTHER, "template.json", suite="trixie", kernel="cloud")
    above = make(paths.snapshots(), "a" * 16, "snapshot.json", template=DIGEST)
    aside = make(paths.snapshots(), "b" * 16, "snapshot.json", template=OTHER)
    make_fabric("mine", OTHER)
    assert templates.prune_templates() > 0
    assert not old.exists()
    assert not above.exists()
    assert needed.exists()
    assert aside.exists()


def test_a_template_that_another_command_holds_is_not_rebuilt():
    folder = make(paths.templates(), DIGEST, "template.json", suite="trixie", kernel="cloud")
    with (
        lockfile.locked(store.vault().lock_path(DIGEST), lambda _: None),
        pytest.raises(FamulusError, match="another command uses it"),
    ):
        templates.rebuilt(SPEC, Events())
    assert folder.exists()


def test_a_rebuild_removes_the_snapshots_of_the_old_template(monkeypatch: pytest.MonkeyPatch):
    old = make(paths.templates(), DIGEST, "template.json", suite="trixie", kernel="cloud")
    others = make(paths.templates(), OTHER, "template.json", suite="trixie", kernel="cloud")
    above = make(paths.snapshots(), "a" * 16, "snapshot.json", template=DIGEST)
    aside = make(paths.snapshots(), "b" * 16, "snapshot.json", template=OTHER)
    asked = []
    monkeypatch.setattr(templates, "ensure", lambda spec, _: asked.append(spec))
    templates.rebuilt(SPEC, Events())
    assert asked == [SPEC]
    assert not old.exists()
    assert not above.exists()
    assert others.exists()
    assert aside.exists()
