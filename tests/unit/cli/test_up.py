# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus up` and `famulus configure`: the settings that reach the fabric, and the refusals."""

import pytest

from famulus.base.errors import FamulusError
from famulus.cli import configure, up
from famulus.settings.sources import load_spec
from famulus.settings.spec import FabricSpec
from tests.unit.command import famulus


class Reached(FamulusError):  # noqa: N818 - no error, but the way out of the verb
    """The verb has read all settings and begins its work."""

    def __init__(self, spec: FabricSpec) -> None:
        super().__init__("reached")
        self.spec = spec


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A current folder without a fabric.toml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch, capsys, *words: str) -> tuple[int, str]:
    """Return exit code and errors of `famulus WORDS`."""
    return famulus(monkeypatch, *words), capsys.readouterr().err


def spec_of(monkeypatch, *words: str) -> FabricSpec:
    """Return the spec with which `famulus WORDS` begins its work."""

    def bring_up(_name, flags, file, *_more):
        raise Reached(load_spec(flags, env={}, file=file))

    def make_artifacts(order, *_more):
        raise Reached(order.spec)

    monkeypatch.setattr(up, "bring_up", bring_up)
    monkeypatch.setattr(configure, "make_artifacts", make_artifacts)
    shown: list[FamulusError] = []
    monkeypatch.setattr("famulus.cli.main.show_error", shown.append)
    famulus(monkeypatch, *words)
    (reached,) = shown
    assert isinstance(reached, Reached)
    return reached.spec


def test_options_of_up_reach_the_fabric(monkeypatch):
    words = ("--memory", "1G", "--pool-file", "p", "--cold", "--no-doorbell", "--cpus", "2")
    spec = spec_of(monkeypatch, "up", "2", *words)
    assert (spec.nodes, spec.memory, spec.cpus) == (2, 1 << 30, 2)
    assert spec.pool_file is not None
    assert spec.pool_file.is_absolute()
    assert (spec.cold, spec.doorbell) == (True, False)


def test_clone_overrides_cold_in_the_file(folder, monkeypatch):
    (folder / "fabric.toml").write_text("cold = true\nnodes = 3")
    assert spec_of(monkeypatch, "up").cold
    assert not spec_of(monkeypatch, "up", "--clone").cold


def test_check_implies_caches(folder, monkeypatch):
    assert spec_of(monkeypatch, "up", "1", "--check").noncoherent
    (folder / "fabric.toml").write_text("check = true")
    assert spec_of(monkeypatch, "up", "1").noncoherent


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--check", "--coherence", "full"), "coherent memory has nothing to check"),
        (("--watch", "--accel", "kvm"), "`--watch` needs `--accel tcg`"),
        (("--coherence", "none", "--network", "libvirt"), "needs `--network user`"),
        (("--cpus", "x"), "cpus: must be a whole number from 1 to 64, not 'x'"),
    ],
)
def test_wrong_options_are_refused(words, message, folder, monkeypatch, capsys):
    code, error = run(monkeypatch, capsys, "up", "1", *words)
    assert code == 2
    assert message in " ".join(error.split())
    assert not list(folder.iterdir())


def test_nodes_of_configure_have_no_plugin(folder, monkeypatch):
    (folder / "fabric.toml").write_text('check = true\ncache = "32K"\neviction = "lru"')
    spec = spec_of(monkeypatch, "configure", "2")
    assert spec.network == "libvirt"
    assert not spec.watched
