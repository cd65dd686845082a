# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds of templates that fail, are interrupted or killed: one error, nothing left."""

import os
import shutil
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.cli import Cli, interrupt
from tests.integration.templates import built, finished, free_port, nothing_runs, until

pytestmark = pytest.mark.integration


@pytest.fixture
def empty(own: Cli, tmp_path: Path) -> Cli:
    """A command line with a FAMULUS_HOME of its own: no template is there yet."""
    own.env["FAMULUS_HOME"] = str(tmp_path / "home")
    return own


def test_a_mirror_that_refuses(empty: Cli, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/debian"
    told = empty.fails("template", "build", "--mirror", url, code=1, says="refuses the connection")
    assert [line[:6] for line in told.splitlines()].count("error:") == 1
    assert "--mirror" in told
    empty.fails("up", "1", "--mirror", url, code=1, says="refuses the connection")
    assert empty.ok("list", "--json").strip() == "[]"
    assert finished(tmp_path / "home") == []


def test_a_mirror_that_hangs(empty: Cli) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/debian"
        empty.fails(
            "template", "build", "--mirror", url, code=1, says="does not answer within 10 s"
        )


def test_a_suite_that_is_none(empty: Cli) -> None:
    told = empty.fails("template", "build", "--suite", "trixy", code=1, says="has no suite 'trixy'")
    assert "bookworm" in told


def test_a_package_that_is_none(empty: Cli, tmp_path: Path) -> None:
    empty.env["FAMULUS_PACKAGES"] = "no-such-package"
    told = empty.fails("template", "build", code=1, says="mmdebstrap failed with exit code")
    assert "no-such-package" in told
    assert "last-failed-build.log" in told
    log = tmp_path / "home/templates/last-failed-build.log"
    assert "Unable to locate package no-such-package" in log.read_text()
    assert finished(tmp_path / "home") == []


EARLY = "downloading packages"
LATE = "Setting up g++"


@pytest.mark.parametrize(
    "moment", [EARLY, "extracting archives", pytest.param(LATE, marks=pytest.mark.campaign)]
)
def test_ctrl_c(empty: Cli, tmp_path: Path, moment: str) -> None:
    with empty.start("template", "build", "--verbose") as process:
        until(process, moment)
        interrupt(process)
    assert process.returncode == 130
    nothing_runs(tmp_path)
    assert finished(tmp_path / "home") == []
    assert "I: " in (tmp_path / "home/templates/last-failed-build.log").read_text()


def test_kill_9(empty: Cli, tmp_path: Path) -> None:
    with empty.start("template", "build", "--verbose") as process:
        until(process, "extracting archives")
        os.kill(process.pid, signal.SIGKILL)
    nothing_runs(tmp_path)
    assert empty.ok("template", "list").startswith("no templates")
    assert empty.ok("template", "prune").startswith("freed ")
    assert finished(tmp_path / "home") == []


@pytest.mark.campaign
def test_kill_9_and_the_next_build_works(empty: Cli, tmp_path: Path) -> None:
    with empty.start("template", "build", "--verbose") as process:
        until(process, LATE)
        os.kill(process.pid, signal.SIGKILL)
    nothing_runs(tmp_path)
    folder = built(empty)
    assert finished(tmp_path / "home") == [folder.name]
    shutil.rmtree(tmp_path / "home")
