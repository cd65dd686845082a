# SPDX-License-Identifier: GPL-2.0-or-later
"""The monitor's client, with a socket in place of QEMU that sends recorded answers of QEMU."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from famulus.backend.qemu import monitor
from famulus.backend.qemu.monitor import Command, MonitorError
from tests.unit.timeouts import TIMEOUT

GREETING = {"QMP": {"version": {"qemu": {"major": 10, "minor": 0, "micro": 2}}}}
NOTHING: dict[str, object] = {"return": {}}
RESUMED = {"timestamp": {"seconds": 1700000000, "microseconds": 250000}, "event": "RESUME"}
Script = Sequence[object]
Serve = Callable[[Script], list[dict[str, object]]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "qmp"


@pytest.fixture
def serve(path: Path) -> Iterator[Serve]:
    """Greet one client and answer each of its lines with the next list of objects of a script;
    return the list that collects the client's lines."""
    threads = []

    def start(script: Script) -> list[dict[str, object]]:
        heard: list[dict[str, object]] = []
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()

        def talk() -> None:
            with closing(listener), listener.accept()[0] as connection:
                connection.sendall(json.dumps(GREETING).encode() + b"\r\n")
                with connection.makefile("rb") as lines:
                    for answers in script:
                        heard.append(json.loads(lines.readline()))
                        for answer in answers if isinstance(answers, list) else [answers]:
                            connection.sendall(json.dumps(answer).encode() + b"\r\n")

        threads.append(threading.Thread(target=talk))
        threads[-1].start()
        return heard

    yield start
    for thread in threads:
        thread.join(TIMEOUT)


def test_a_command_returns_its_result(path: Path, serve: Serve) -> None:
    heard = serve([NOTHING, {"return": {"status": "running"}}])
    assert monitor.run_state(path) == "running"
    assert [line["execute"] for line in heard] == ["qmp_capabilities", "query-status"]


def test_a_line_of_the_human_monitor_returns_the_printed_text(path: Path, serve: Serve) -> None:
    heard = serve([NOTHING, {"return": "jit\r\n"}])
    assert monitor.human(path, "info jit") == "jit"
    assert heard[1]["arguments"] == {"command-line": "info jit"}


def test_events_between_answers_are_kept(path: Path, serve: Serve) -> None:
    stop = {**RESUMED, "event": "STOP"}
    serve([[stop, NOTHING], [RESUMED, {"return": 1}], {"return": 2}])
    found = monitor.execute_all(path, [Command("a"), Command("b")], until="RESUME")
    assert found == [1, 2, RESUMED]


def test_a_command_waits_for_a_later_event(path: Path, serve: Serve) -> None:
    serve([NOTHING, [{"return": 1}, RESUMED]])
    assert monitor.execute_all(path, [Command("a")], until="RESUME") == [1, RESUMED]


def test_restore_returns_when_the_machine_began_to_run(path: Path, serve: Serve) -> None:
    heard = serve([NOTHING] * 5 + [[RESUMED, NOTHING]])
    place = [monitor.human_command(line) for line in ("o/w 1 2", "o/w 3 4")]
    assert monitor.restore(path, place, Path("/s/state"), 5) == 1700000000.25
    assert [line["execute"] for line in heard[1:]] == [
        "human-monitor-command",
        "human-monitor-command",
        "migrate-set-capabilities",
        "migrate-set-parameters",
        "migrate-incoming",
    ]
    assert heard[-1]["arguments"] == {"uri": "file:/s/state"}


def test_a_refusal_has_qemus_reason(path: Path, serve: Serve) -> None:
    serve([NOTHING, {"error": {"class": "GenericError", "desc": "no such device"}}])
    with pytest.raises(MonitorError, match="QEMU refused 'device_del': no such device"):
        monitor.execute(path, "device_del", {"id": "x"})


@pytest.mark.parametrize("script", [[], [NOTHING]])
def test_a_qemu_that_ends_does_not_answer(path: Path, serve: Serve, script: Script) -> None:
    serve(script)
    with pytest.raises(MonitorError, match=r"does not answer \(stop\)"):
        monitor.execute(path, "stop")


def test_a_silent_qemu_does_not_answer(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(MonitorError, match="does not answer"):
            monitor.execute_all(path, [Command("stop")], timeout=0.2)


def test_a_missing_qemu_does_not_answer(path: Path) -> None:
    with pytest.raises(MonitorError, match="does not answer"):
        monitor.execute(path, "stop")
