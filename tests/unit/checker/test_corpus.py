# SPDX-License-Identifier: GPL-2.0-or-later
"""The corpus in processes that act as nodes: every defect is found, without false alarms."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from famulus.checker.report.model import Defect
from famulus.checker.report.text import lines_of
from tests.places import ROOT
from tests.unit.checker import checker

EXPECTED = checker.expected()
WORKERS = 3  # programs wait for each other more than they compute
PAGE = ROOT / "docs/check.md"
_PLACE = re.compile(r"\w+ (?:[\w/]*/)?(\w+\.[ch]:\d+)")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return the defects of each program."""
    objects = checker.compile_nodes(tmp_path_factory.mktemp("nodes"))

    def defects(name: str) -> list[Defect]:
        return checker.run_program(name, objects, tmp_path_factory.mktemp(name))

    with ThreadPoolExecutor(WORKERS) as pool:
        return dict(zip(EXPECTED, pool.map(defects, EXPECTED), strict=True))


def test_the_table_is_about_all_programs():
    assert set(EXPECTED) == {path.stem for path in checker.CORPUS.glob("*.c")}
    assert len(EXPECTED) >= 40
    assert min(sum(map(bool, EXPECTED.values())), list(EXPECTED.values()).count("")) >= 20


def test_every_defect_is_found_without_false_alarms(found):
    kinds = {name: {defect.kind for defect in defects} for name, defects in found.items()}
    wrong = [name for name, kind in EXPECTED.items() if kind]
    missed = [name for name in wrong if EXPECTED[name] not in kinds[name]]
    alarms = {name: kinds[name] for name in found if kinds[name] and not EXPECTED[name]}
    print(f"recall {len(wrong) - len(missed)} of {len(wrong)}; false alarms {len(alarms)}")
    assert (missed, alarms) == ([], {})


def test_the_reports_in_the_docs_name_the_lines_of_their_programs(found):
    """Each report of docs/check.md: its program has a defect of that kind at all these lines."""
    reports = _reports_in_the_docs()
    assert len(reports) == 9  # the tenth mistake has the report of the fifth
    unlike = {}
    for kind, shown in reports:
        program = next(place for place in shown if not place.startswith("pool.h")).partition(".")[0]
        real = [_places(text) for text in _texts(found[program], kind)]
        if not any(shown <= places for places in real):
            unlike[program] = (shown, real)
    assert unlike == {}


def _reports_in_the_docs() -> list[tuple[str, set[str]]]:
    """Return the kind of defect and the places (file:line) of each report in docs/check.md."""
    blocks = PAGE.read_text(encoding="utf-8").split("```")[1::2]
    return [
        (re.split(r" \(|:", block)[0].strip(), places)
        for block in blocks
        if (places := _places(block))
    ]


def _texts(defects: list[Defect], kind: str) -> list[str]:
    wanted = [defect for defect in defects if defect.kind == kind]
    return ["\n".join(text for _, text in lines_of(defect)) for defect in wanted]


def _places(text: str) -> set[str]:
    """Return the places that a report names, each as the file's name and a line number."""
    return set(_PLACE.findall(text))
