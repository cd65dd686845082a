# SPDX-License-Identifier: GPL-2.0-or-later
"""`up --check`: every program in the nodes is checked; `check` alone prints the defects."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from famulus.state.folder import FabricFolder
from tests.integration.cli import TIMEOUT, Cli
from tests.integration.programs import compile_touch, install
from tests.integration.waits import wait
from tests.places import CHECKER_CORPUS

pytestmark = pytest.mark.integration

SCRIPT = CHECKER_CORPUS / "told_before_written.py"
RUN = f"FAMULUS_NODE=$(hostname | tr -dc 0-9) python3 {SCRIPT.name}; exit 3"


@pytest.fixture(scope="module")
def always() -> Iterator[Cli]:
    cli = Cli(f"always{os.getpid()}")
    try:
        cli.ok("up", "2", "--pool", "64M", "--check")
        for node in (1, 2):
            cli.ok("cp", str(SCRIPT), f"{node}:")
            cli.node(node, "sync")
        yield cli
    finally:
        cli.purge()
        assert cli.processes() == []


def found(cli: Cli, code: int) -> list[dict[str, Any]]:
    done = cli.run("check", "--json")
    assert done.returncode == code, done.stderr
    defects: list[dict[str, Any]] = json.loads(done.stdout)["defects"]
    return defects


def provoke(cli: Cli) -> list[dict[str, Any]]:
    """Run a program in node 1 that ends with a store not flushed; return the defects."""
    assert cli.run("exec", "all", "--", RUN).returncode == 3
    defects = found(cli, 1)
    (left,) = [defect for defect in defects if defect["kind"] == "unflushed at exit"]
    assert (left["region"], left["first"]["function"]) == ("told", "tell")
    return defects


def test_a_defect_of_exec_is_reported_once(always: Cli) -> None:
    assert always.status()["checker"] == "running"
    assert always.node(1, "id -un; echo $HOME") == "fabric\n/home/fabric"
    (defect,) = [d for d in provoke(always) if d["kind"] == "unflushed publication"]
    assert defect["first"]["source"].startswith(f"/home/fabric/{SCRIPT.name}:")
    assert defect["second"]["function"] == "hear"
    assert found(always, 0) == []


def test_a_second_reader_is_refused_and_does_no_harm(always: Cli) -> None:
    assert always.run("exec", "all", "--", RUN).returncode == 3
    always.fails("check", "--", "/bin/true", code=2, says="is watched already")
    (left,) = [defect for defect in found(always, 1) if defect["kind"] == "unflushed at exit"]
    assert left["first"]["function"] == "tell"


def test_commands_are_those_of_the_user_s_shell(always: Cli) -> None:
    assert always.node(1, "[[ a == a ]] && echo {1..3}") == "1 2 3"
    assert always.node(1, "id -u", user="root") == "0"


def test_a_node_that_was_reset_or_started_is_checked_again(always: Cli) -> None:
    always.ok("node", "reset", "1")
    always.ok("cp", str(SCRIPT), "1:")
    provoke(always)
    always.node(1, "sync")
    always.ok("node", "stop", "1")
    always.ok("node", "start", "1")
    provoke(always)


def test_a_node_that_reboots_itself_is_checked(always: Cli) -> None:
    always.reboot(1)
    provoke(always)


def test_a_node_that_comes_later_is_checked_too(always: Cli) -> None:
    always.ok("up", "3")
    always.ok("cp", str(SCRIPT), "3:")
    alone = f"FAMULUS_NODE=1 python3 {SCRIPT.name}; exit 3"
    assert always.run("exec", "3", "--", alone).returncode == 3
    (left,) = found(always, 1)
    assert (left["kind"], left["first"]["node"]) == ("unflushed at exit", 3)
    always.ok("up", "2")


def test_a_node_that_was_killed_is_checked_again(always: Cli) -> None:
    always.ok("node", "kill", "2")
    always.fails("check", code=2, says="fabric2 is stopped")
    always.ok("up")
    provoke(always)


def test_a_checker_that_died_is_started_again(always: Cli) -> None:
    pid = int((FabricFolder(always.fabric).checker / "pid").read_text(encoding="ascii"))
    os.kill(pid, signal.SIGKILL)
    assert always.status()["checker"] == "ended"
    always.fails("check", code=4, says="has ended before its time")
    always.ok("up")
    provoke(always)


@contextmanager
def stopped_checker(cli: Cli) -> Iterator[None]:
    """Stop the checker's process during the block, as a host does that swaps."""
    pid = int((FabricFolder(cli.fabric).checker / "pid").read_text(encoding="ascii"))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def churning(always: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The same fabric, with a program in both nodes that stores more than the rings can hold."""
    install(always, compile_touch(tmp_path_factory.mktemp("touch")), (1, 2))
    return always


CHURN = "./touch churn:$(( $(hostname | tr -dc 0-9) << 16 )):4096:2000"


def wait_for_the_checker(cli: Cli, node: int) -> None:
    def whom() -> object:
        return cli.status()["nodes"][node - 1]["waits_for"]

    wait(lambda: whom() == "the checker", cli.status)


def test_nodes_wait_for_a_checker_that_is_stopped_and_nothing_is_lost(churning: Cli) -> None:
    assert found(churning, 0) == []
    with stopped_checker(churning):
        process = churning.start("exec", "all", "--", f"{CHURN} && echo stored")
        wait_for_the_checker(churning, 1)
        wait_for_the_checker(churning, 2)
        assert "waits" in churning.ok("status")
        assert churning.status()["checker"] == "stopped"
        churning.ok("node", "pause", "1")
        assert churning.states() == ["paused", "running"]
        churning.ok("node", "resume", "1")
        assert churning.states() == ["running", "running"]
    output, _ = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, output.count("stored")) == (0, 2), output
    done = churning.run("check", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"], report["reasons"]) == (0, "no defect", []), report
    assert report["events"] > 2 * 64 * 2000


def test_a_node_that_waits_for_the_checker_can_be_killed(churning: Cli) -> None:
    with stopped_checker(churning):
        process = churning.start("exec", "2", "--", CHURN)
        wait_for_the_checker(churning, 2)
        churning.ok("node", "kill", "2")
        assert churning.states() == ["running", "stopped"]
    process.communicate(timeout=TIMEOUT)
    churning.ok("up")
    assert churning.run("check").returncode in (0, 4)  # 4: the node was killed in an event


def test_a_fabric_whose_nodes_wait_for_the_checker_goes_down(churning: Cli) -> None:
    with stopped_checker(churning):
        process = churning.start("exec", "all", "--", CHURN)
        wait_for_the_checker(churning, 1)
        down = churning.run("down")
        assert (down.returncode, "ended at once" in down.stderr) == (0, False), down.stderr
    process.communicate(timeout=TIMEOUT)
    churning.ok("up")


def test_the_checker_can_be_ended_while_nodes_run(always: Cli) -> None:
    always.ok("up", "--no-check")
    assert always.status()["checker"] is None
    always.fails("check", code=2, says="is not checked all the time")
    always.fails("up", "--check", "--coherence", "full", code=2, says="nothing to check")
