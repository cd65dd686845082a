# SPDX-License-Identifier: GPL-2.0-or-later
"""The corpus in processes that act as nodes: every defect is found, without false alarms."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.checker import checker

EXPECTED = checker.expected()
WORKERS = 3  # programs wait for each other more than they compute


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return the kinds of the defects of each program."""
    objects = checker.compile_nodes(tmp_path_factory.mktemp("nodes"))

    def kinds(name: str) -> set[str]:
        folder = tmp_path_factory.mktemp(name)
        return {defect.kind for defect in checker.run_program(name, objects, folder)}

    with ThreadPoolExecutor(WORKERS) as pool:
        return dict(zip(EXPECTED, pool.map(kinds, EXPECTED), strict=True))


def test_the_table_is_about_all_programs():
    assert set(EXPECTED) == {path.stem for path in checker.CORPUS.glob("*.c")}
    assert len(EXPECTED) >= 40
    assert min(sum(map(bool, EXPECTED.values())), list(EXPECTED.values()).count("")) >= 20


def test_every_defect_is_found_without_false_alarms(found):
    wrong = [name for name, kind in EXPECTED.items() if kind]
    missed = [name for name in wrong if EXPECTED[name] not in found[name]]
    alarms = {name: kinds for name, kinds in found.items() if kinds and not EXPECTED[name]}
    print(f"recall {len(wrong) - len(missed)} of {len(wrong)}; false alarms {len(alarms)}")
    assert (missed, alarms) == ([], {})
