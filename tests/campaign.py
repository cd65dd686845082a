# SPDX-License-Identifier: GPL-2.0-or-later
"""The campaign: tests that are too long for CI, in named parts that go on where they stopped.

`make campaign PART=kills` runs one part, `make campaign` all parts. A test that passed at the same
commit is not run again: `.campaign/passed-COMMIT` names the passed tests. Uncommitted changes have
no commit, and all tests run.
"""

import subprocess
from collections import Counter
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", default="", help="run this part of the campaign only")


def pytest_configure(config: pytest.Config) -> None:
    campaign = Campaign(config.getoption("--part"), passed_file(config.rootpath))
    config.pluginmanager.register(campaign, "parts")


def passed_file(tree: Path) -> Path | None:
    """Return the file that names the tests passed at the commit of `tree`.

    A tree with uncommitted changes has no such file.
    """
    if _git(tree, "status", "--porcelain"):
        return None
    return tree / ".campaign" / f"passed-{_git(tree, 'rev-parse', '--short=12', 'HEAD')}"


def _git(tree: Path, *words: str) -> str:
    argv = ["git", "-C", str(tree), *words]
    return subprocess.run(
        argv, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def part_of(item: pytest.Item) -> str:
    """Return the name of the part that `item` belongs to, or "" for a test of CI."""
    marker = item.get_closest_marker("campaign")
    return str(marker.args[0]) if marker else ""


class Campaign:
    """Selects the tests of a part that have not passed yet, and remembers those that pass."""

    def __init__(self, part: str, file: Path | None) -> None:
        self.part = part
        self.file = file
        self.before = set(file.read_text().split("\n")) if file and file.exists() else set()
        self.parts: dict[str, str] = {}
        self.left: Counter[str] = Counter()

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        self.parts = {item.nodeid: part_of(item) for item in items if part_of(item)}
        if self.part and self.part not in self.parts.values():
            known = ", ".join(sorted(set(self.parts.values())))
            raise pytest.UsageError(f"there is no part '{self.part}'; the parts are: {known}")
        chosen = [item for item in items if self._chosen(item.nodeid)]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen
        self.left = Counter(self.parts[item.nodeid] for item in chosen)

    def _chosen(self, test: str) -> bool:
        in_part = self.parts.get(test, "") and self.part in ("", self.parts[test])
        return bool(in_part) and test not in self.before

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.left[self.parts[report.nodeid]] -= 1
            self._remember(report.nodeid)

    def _remember(self, test: str) -> None:
        if self.file:
            self.file.parent.mkdir(exist_ok=True)
            with self.file.open("a", encoding="utf-8") as file:
                file.write(f"{test}\n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        sizes = Counter(part for part in self.parts.values() if self.part in ("", part))
        for part, size in sorted(sizes.items()):
            passed = size - self.left[part]
            terminalreporter.write_line(f"part {part}: {passed} of {size} passed at this commit")

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Call a part without a test left a success: all its tests passed in earlier runs."""
        done = self.parts and not self.left.total()
        if done and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK
