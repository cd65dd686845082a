# SPDX-License-Identifier: GPL-2.0-or-later
"""Template builds that fail, are interrupted or are killed: one error, nothing left."""

import os
import shutil
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.cli import Cli, interrupt
from tests.integration.templates import built, finished, nothing_runs, refusing_port
from tests.integration.waits import until

pytestmark = pytest.mark.integration


@pytest.fixture
def empty(own: Cli, tmp_path: Path) -> Cli:
    """A command line with a FAMULUS_HOME of its own, without a template."""
    own.env["FAMULUS_HOME"] = str(tmp_path / "home")
    return own


def test_a_mirror_that_refuses_connections_is_one_error(empty: Cli, tmp_path: Path) -> None:
    refused = "refuses the connection"
    with refusing_port() as port:
        url = f"http://127.0.0.1:{port}/debian"
        shown = empty.fails("template", "build", "--mirror", url, code=1, says=refused)
        empty.fails("up", "1", "--mirror", url, code=1, says=refused)
    assert [line[:6] for line in shown.splitlines()].count("error:") == 1
    assert "--mirror" in shown
    assert empty.ok("list", "--json").strip() == "[]"
    assert finished(tmp_path / "home") == []


def test_a_mirror_that_hangs_is_given_up(empty: Cli) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/debian"
        empty.fails(
            "template", "build", "--mirror", url, code=1, says="does not answer within 10 s"
        )


def test_an_unknown_suite_is_refused(empty: Cli) -> None:
    shown = empty.fails(
        "template", "build", "--suite", "trixy", code=1, says="has no suite 'trixy'"
    )
    assert "bookworm" in shown


def test_an_unknown_package_fails_the_build(empty: Cli, tmp_path: Path) -> None:
    empty.env["FAMULUS_PACKAGES"] = "no-such-package"
    shown = empty.fails("template", "build", code=1, says="mmdebstrap failed with exit code")
    assert "no-such-package" in shown
    assert "last-failed-build.log" in shown
    log = tmp_path / "home/templates/last-failed-build.log"
    assert "Unable to locate package no-such-package" in log.read_text()
    assert finished(tmp_path / "home") == []


EARLY = "downloading packages"
LATE = "Setting up g++"


@pytest.mark.parametrize(
    "moment",
    [EARLY, "extracting archives", pytest.param(LATE, marks=pytest.mark.campaign("template"))],
)
def test_ctrl_c_leaves_nothing(empty: Cli, tmp_path: Path, moment: str) -> None:
    with empty.start("template", "build", "--verbose") as process:
        until(process, moment)
        interrupt(process)
    assert process.returncode == 130
    nothing_runs(tmp_path)
    assert finished(tmp_path / "home") == []
    assert "I: " in (tmp_path / "home/templates/last-failed-build.log").read_text()


def test_prune_removes_a_killed_build(empty: Cli, tmp_path: Path) -> None:
    with empty.start("template", "build", "--verbose") as process:
        until(process, "extracting archives")
        os.kill(process.pid, signal.SIGKILL)
    nothing_runs(tmp_path)
    assert empty.ok("template", "list").startswith("no templates")
    assert empty.ok("template", "prune").startswith("freed ")
    assert finished(tmp_path / "home") == []


@pytest.mark.campaign("template")
def test_the_build_after_a_killed_build_works(empty: Cli, tmp_path: Path) -> None:
    with empty.start("template", "build", "--verbose") as process:
        until(process, LATE)
        os.kill(process.pid, signal.SIGKILL)
    nothing_runs(tmp_path)
    folder = built(empty)
    assert finished(tmp_path / "home") == [folder.name]
    shutil.rmtree(tmp_path / "home")
