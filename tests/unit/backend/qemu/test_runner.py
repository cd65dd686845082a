# SPDX-License-Identifier: GPL-2.0-or-later
"""Start and observe the QEMU process of a node; no QEMU runs here."""

import stat
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from famulus.backend.machine import Frozen, LaunchError, Machine
from famulus.backend.qemu import console, launch, monitor, runner
from famulus.backend.qemu.runner import QemuRunner
from famulus.backend.qemu.user import UserNetwork
from famulus.base.errors import FamulusError
from tests.unit.backend.machines import MACHINE

Started = list[tuple[list[str], dict[str, Any]]]


@pytest.fixture
def node(tmp_path: Path) -> QemuRunner:
    (tmp_path / "sockets").mkdir()
    network = UserNetwork(tmp_path / "sockets", IPv4Network("192.168.42.0/24"))
    return QemuRunner("fabric1", tmp_path, network)


@pytest.fixture
def machine(node: QemuRunner) -> Machine:
    return replace(MACHINE, folder=node.folder, sockets=node.network.sockets)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> Started:
    """The argument lists and options of each QEMU that was started."""
    calls: Started = []

    def run(argv: list[str], **options: Any) -> None:
        machine.serial_log.touch(0o644)
        calls.append((argv, options))

    monkeypatch.setattr(launch, "run", run)
    return calls


def test_a_start_removes_old_sockets_and_hides_the_log(
    node: QemuRunner, machine: Machine, started: Started
) -> None:
    sockets = node.network.sockets
    for name in ("fabric1.qmp", "fabric1.agent", "fabric10.qmp"):
        (sockets / name).touch()
    node.start(machine)
    assert [path.name for path in sockets.iterdir()] == ["fabric10.qmp"]
    assert stat.S_IMODE(machine.serial_log.stat().st_mode) == 0o600
    ((argv, _),) = started
    assert f"vde,id=cable,sock={sockets / 'switch'}" in argv


def test_a_qemu_that_does_not_start_says_why(node: QemuRunner, machine: Machine) -> None:
    """With `-daemonize`, QEMU prints into the log of `-D`, which the undoing removes."""
    (node.folder / "qemu.log").write_text("words of an earlier start")
    script = "echo cannot set up guest memory >> qemu.log; exit 1"
    with pytest.raises(LaunchError, match="sh failed with exit code 1") as caught:
        launch.launch(["sh", "-c", script], machine.folder)
    assert caught.value.details == "cannot set up guest memory"


def test_a_qemu_that_ends_later_says_why(node: QemuRunner) -> None:
    (node.folder / "qemu.log").write_text("".join(f"line {number}\n" for number in range(40)))
    with pytest.raises(FamulusError) as caught, launch.with_last_words(node.folder):
        raise FamulusError("the monitor does not answer", details="evidence")
    assert caught.value.details.startswith("evidence\nline 25\n")
    assert node.last_words().endswith("line 39")


def test_a_clone_gets_its_request_and_answers(
    node: QemuRunner, machine: Machine, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored: list[Any] = []

    def restore(path: Path, before: Any, state: Path, _: float) -> float:
        restored.extend([path, len(list(before)), state])
        return 7.5

    monkeypatch.setattr(monitor, "restore", restore)
    monkeypatch.setattr(runner, "began", lambda _, when, __: f"began at {when}")
    frozen = Frozen(Path("/s/ram"), Path("/s/state"), 1 << 32)
    assert node.clone(machine, frozen, b"hostname fabric1\n") == "began at 7.5"
    ((argv, options),) = started
    assert options["stdin"] == "famulus 1 17\nhostname fabric1\n"
    (descriptor,) = options["pass_fds"]
    assert f"socket,fd={descriptor},id=beside" in argv
    assert restored == [node.qmp, 6, Path("/s/state")], "the pool's address is set before"


def test_a_bare_clone_gets_no_request(
    node: QemuRunner, machine: Machine, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "restore", lambda *_: 7.5)
    node.restore(machine, Frozen(Path("/s/ram"), Path("/s/state"), 0))
    ((argv, options),) = started
    assert options["stdin"] == ""
    assert "name=opt/org.famulus/request,string=-" in argv


@pytest.mark.parametrize(
    ("qemus", "state"),
    [
        ("running", "running"),
        ("paused", "paused"),
        ("shutdown", "stopped"),
        ("inmigrate", "stopped"),
        ("internal-error", "hung"),
    ],
)
def test_qemus_states_have_words(
    node: QemuRunner, monkeypatch: pytest.MonkeyPatch, qemus: str, state: str
) -> None:
    monkeypatch.setattr(QemuRunner, "running", lambda _: True)
    monkeypatch.setattr(monitor, "run_state", lambda _: qemus)
    node.qmp.touch()
    assert node.state() == state


def test_without_a_process_a_machine_is_stopped(node: QemuRunner) -> None:
    assert not node.running()
    assert node.state() == "stopped"
    assert node.pid() is None
    node.kill()
    node.wait_gone("its end", 0)


def test_a_monitor_that_does_not_answer_means_hung(
    node: QemuRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QemuRunner, "running", lambda _: True)
    node.qmp.touch()
    assert node.state() == "hung"


def test_a_machine_that_ends_ends_its_console(
    node: QemuRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "attach", lambda _: False)
    assert node.console() == 0
    monkeypatch.setattr(console, "attach", lambda _: True)
    with pytest.raises(FamulusError, match="fabric1 has ended"):
        node.console()
