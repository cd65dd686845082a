# SPDX-License-Identifier: GPL-2.0-or-later
"""SARIF 2.1.0 (OASIS), which CI systems show beside the source. Pure."""

import hashlib
import json
from typing import Any
from urllib.parse import quote

from famulus import __version__
from famulus.checker.report.model import KINDS, NOTES, Defect, Event, Report
from famulus.checker.report.verdict import Outcome, outcome, reasons

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(report: Report) -> str:
    """Return a SARIF log with a result for each defect, and the verdict as an invocation."""
    driver = {
        "name": "famulus check",
        "version": __version__,
        "rules": [_rule(kind) for kind in KINDS],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(report)],
        "results": [_result(defect) for defect in report.defects],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1) + "\n"


def _invocation(report: Report) -> dict[str, Any]:
    """Return the run of the checker, which succeeds if the program's memory has a verdict."""
    verdict = outcome(report)
    return {
        "executionSuccessful": verdict in (Outcome.CLEAN, Outcome.DEFECT),
        "exitCode": int(verdict),
        "exitCodeDescription": verdict.word,
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": text}} for _, text in reasons(report)
        ],
    }


def rule_id(kind: str) -> str:
    """Return a kind of defect as one word."""
    return kind.replace(" ", "-")


def _rule(kind: str) -> dict[str, Any]:
    level = "note" if kind in NOTES else "error"
    return {
        "id": rule_id(kind),
        "shortDescription": {"text": KINDS[kind]},
        "defaultConfiguration": {"level": level},
    }


def _result(defect: Defect) -> dict[str, Any]:
    at = defect.second or defect.first
    words = [
        f"{defect.kind}: node {defect.first.node} {defect.first.what} at {defect.first.site}",
        f"node {at.node} {at.what} at {at.site}" if at is not defect.first else "",
        defect.note,
        f"pool offset {defect.offset:#x}" + (f" in {defect.region}" if defect.region else ""),
    ]
    key = "\0".join((defect.kind, *defect.sites, defect.region))
    return {
        "ruleId": rule_id(defect.kind),
        **_weight(defect),
        "message": {"text": "; ".join(filter(None, words))},
        "locations": [_location(at)],
        "relatedLocations": _related(defect, at),
        "partialFingerprints": {"sites/v1": hashlib.sha256(key.encode()).hexdigest()[:32]},
        "occurrenceCount": defect.count,
    }


def _weight(defect: Defect) -> dict[str, str]:
    """Return kind and level of a result; SARIF's kind `open` means that nobody knows."""
    if defect.uncertain:
        return {"kind": "open", "level": "none"}
    return {"level": "note" if defect.kind in NOTES else "error"}


def _related(defect: Defect, at: Event) -> list[dict[str, Any]]:
    """Return the places of the other events, each once: the schema wants different ones."""
    others = [_location(event) for event in defect.in_order() if event is not at and event.frames]
    return [place for number, place in enumerate(others) if place not in others[:number]]


def _location(event: Event) -> dict[str, Any]:
    frame = next((frame for frame in event.frames if frame.line), None)
    location: dict[str, Any] = {"message": {"text": f"node {event.node}: {event.what}"}}
    if frame:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(frame.file.lstrip("/"))},
            "region": {"startLine": frame.line},
        }
    name = event.frames[0].function if event.frames else f"{event.pc:#x}"
    location["logicalLocations"] = [{"name": name, "kind": "function"}]
    return location
