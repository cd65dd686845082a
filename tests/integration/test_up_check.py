# SPDX-License-Identifier: GPL-2.0-or-later
"""`up --check`: every program in the nodes is checked; `check` alone prints the defects."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from famulus.state.folder import FabricFolder
from tests.integration.cli import Cli
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
    always.fails("check", code=2, says="has ended before its time")
    always.ok("up")
    provoke(always)


def test_the_checker_can_be_ended_while_nodes_run(always: Cli) -> None:
    always.ok("up", "--no-check")
    assert always.status()["checker"] is None
    always.fails("check", code=2, says="is not checked all the time")
    always.fails("up", "--check", "--coherence", "full", code=2, says="nothing to check")
