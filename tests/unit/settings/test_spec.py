# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules between settings, wherever the settings come from."""

import pytest

from famulus.base.errors import UsageError
from famulus.settings.sources import load_spec
from famulus.settings.spec import FabricSpec


@pytest.mark.parametrize(
    ("wrong", "brief"),
    [
        ({"accel": "kvm"}, "caches are coherent"),
        ({"network": "libvirt"}, "libvirt"),
        ({"cache": 4096}, "both a size and a way"),
        ({"eviction": "lru"}, "both a size and a way"),
    ],
)
def test_settings_that_exclude_caches_are_refused(wrong, brief):
    with pytest.raises(UsageError) as caught:
        FabricSpec(coherence="none", **wrong)
    assert brief in caught.value.brief
    assert caught.value.exit_code == 2
    FabricSpec(**wrong)


@pytest.mark.parametrize("wrong", [{"accel": "kvm"}, {"network": "libvirt"}])
def test_settings_that_exclude_watching_are_refused(wrong):
    with pytest.raises(UsageError) as caught:
        FabricSpec(watch=True, **wrong)
    assert "no access" in caught.value.brief
    assert "`--watch`" in caught.value.hint
    FabricSpec(watch=True, cache=4096)


@pytest.mark.parametrize("check", [True, "true", "1", "yes"])
def test_check_implies_caches(check):
    assert FabricSpec.model_validate({"check": check}).noncoherent


@pytest.mark.parametrize("check", [False, "false", "0"])
def test_no_check_implies_nothing(check):
    assert not FabricSpec.model_validate({"check": check}).noncoherent


def test_check_of_coherent_memory_is_refused():
    with pytest.raises(UsageError, match="coherent memory has nothing to check") as caught:
        FabricSpec(check=True, coherence="full")
    assert "--check" in caught.value.hint


def test_check_alone_in_a_file_implies_caches(tmp_path):
    file = tmp_path / "fabric.toml"
    file.write_text("check = true")
    assert load_spec({}, env={}, file=file).noncoherent
    assert load_spec({"coherence": "none"}, env={}, file=file).noncoherent
    with pytest.raises(UsageError, match="nothing to check"):
        load_spec({"coherence": "full"}, env={}, file=file)
    with pytest.raises(UsageError, match="nothing to check"):
        load_spec({}, env={"FAMULUS_COHERENCE": "full"}, file=file)
    assert not load_spec({"check": False}, env={}, file=file).check
    file.write_text('check = true\ncoherence = "full"')
    with pytest.raises(UsageError, match="nothing to check"):
        load_spec({}, env={}, file=file)


def test_check_alone_in_the_environment_implies_caches():
    assert load_spec({}, env={"FAMULUS_CHECK": "true"}).noncoherent
    with pytest.raises(UsageError, match="nothing to check"):
        load_spec({}, env={"FAMULUS_CHECK": "true", "FAMULUS_COHERENCE": "full"})


def test_what_is_implied_has_the_rank_of_its_source(tmp_path):
    file = tmp_path / "fabric.toml"
    file.write_text('coherence = "full"')
    assert load_spec({"check": True}, env={}, file=file).noncoherent
    assert load_spec({}, env={"FAMULUS_CHECK": "1"}, file=file).noncoherent
    file.write_text("nodes = 2")
    remembered = {"coherence": "full", "check": True}
    assert load_spec({"check": True}, env={}, file=file, remembered=remembered).noncoherent


def test_wrong_check_is_named():
    with pytest.raises(UsageError, match="check: must be true or false, not 'some'"):
        load_spec({}, env={"FAMULUS_CHECK": "some"})
