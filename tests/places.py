# SPDX-License-Identifier: GPL-2.0-or-later
"""Folders that tests read: the repository's root, golden files, the corpora."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
CHECKER_CORPUS = ROOT / "tests" / "corpus" / "checker"
LITMUS_CORPUS = ROOT / "tests" / "corpus" / "litmus"
