# SPDX-License-Identifier: GPL-2.0-or-later
"""The campaign runs in parts, and a part goes on where the part stopped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.timeouts import TIMEOUT

TREE = Path(__file__).parents[2]

TESTS = """
import os, pytest

@pytest.mark.campaign("red")
def test_first():
    pass

@pytest.mark.campaign("red")
def test_second():
    assert "BROKEN" not in os.environ

@pytest.mark.campaign("blue")
def test_third():
    pass

def test_of_ci():
    assert False
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "test_colours.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = campaign(part): long\n")
    (tmp_path / ".gitignore").write_text(".campaign/\n.pytest_cache/\n__pycache__/\n")
    git(tmp_path, "init", "-q")
    return commit(tmp_path)


def git(tree: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=tree, check=True, timeout=TIMEOUT)


def commit(tree: Path) -> Path:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    git(tree, "add", "-A")
    git(tree, *who, "commit", "-q", "--allow-empty", "-m", "x")
    return tree


def campaign(tree: Path, *words: str, **more: str) -> tuple[int, str]:
    argv = [sys.executable, "-m", "pytest", "-p", "tests.campaign", "-m", "campaign", *words]
    env = {**os.environ, "PYTHONPATH": str(TREE), **more}
    done = subprocess.run(
        argv, cwd=tree, env=env, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )
    return done.returncode, done.stdout + done.stderr


def test_a_part_runs_its_tests_only(tree):
    code, text = campaign(tree, "--part", "blue")
    assert code == 0, text
    assert "1 passed, 3 deselected" in text
    assert "part blue: 1 of 1 passed at this commit" in text
    assert "part red" not in text


def test_a_part_goes_on_where_the_part_stopped(tree):
    code, text = campaign(tree, "--part", "red", BROKEN="1")
    assert code == 1
    assert "part red: 1 of 2 passed at this commit" in text
    code, text = campaign(tree, "--part", "red")
    assert (code, "1 passed, 3 deselected" in text) == (0, True), text
    code, text = campaign(tree, "--part", "red")
    assert (code, "part red: 2 of 2 passed at this commit" in text) == (0, True), text


def test_a_new_commit_and_a_change_run_all_tests_again(tree):
    assert "3 passed" in campaign(tree)[1]
    commit(tree)
    assert "3 passed" in campaign(tree)[1]
    (tree / "pytest.ini").write_text("[pytest]\nmarkers = campaign(part): longer\n")
    assert "3 passed" in campaign(tree)[1]
    assert "3 passed" in campaign(tree)[1]


def test_an_unknown_part_is_an_error_that_names_the_parts(tree):
    code, text = campaign(tree, "--part", "green")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "there is no part 'green'; the parts are: blue, red" in text
