# SPDX-License-Identifier: GPL-2.0-or-later
"""JUnit's XML: a failed case for each defect, a failed case or an error for each reason. Pure.

A document of a clean run has one passed case. Notes on performance are passed cases, uncertain
defects skipped cases.
"""

from xml.etree import ElementTree as ET

from famulus.base.text import visible
from famulus.checker.report.model import NOTES, Defect, Report
from famulus.checker.report.text import lines_of
from famulus.checker.report.verdict import Outcome, Reason, outcome, reasons


def junit(report: Report) -> str:
    """Return the document of one run, without control characters, which XML cannot have."""
    cases = [_defect(report.program, defect) for defect in report.defects]
    cases += [_reason(report.program, reason) for reason in reasons(report)]
    if not cases:
        cases = [ET.Element("testcase", classname=report.program, name="no defect")]
    # Jenkins' schema (xunit-plugin, junit-10.xsd) wants the number of errors, too.
    counts = {"tests": len(cases)}
    for plural, name in (("failures", "failure"), ("errors", "error")):
        counts[plural] = sum(case.find(name) is not None for case in cases)
    words = {"name": "famulus check", **{key: str(count) for key, count in counts.items()}}
    suite = ET.Element("testsuite", words)
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", name="verdict", value=outcome(report).word)
    suite.extend(cases)
    return visible(ET.tostring(suite, encoding="unicode", xml_declaration=True)) + "\n"


def _defect(program: str, defect: Defect) -> ET.Element:
    name = f"{defect.kind}: {' / '.join(filter(None, defect.sites))}"
    case = ET.Element("testcase", classname=program, name=name)
    text = "\n".join(text for _, text in lines_of(defect))
    if defect.uncertain:
        ET.SubElement(case, "skipped", message="uncertain: events were lost before").text = text
    elif defect.kind in NOTES:
        ET.SubElement(case, "system-out").text = text
    else:
        words = {"type": defect.kind, "message": defect.note or defect.kind}
        ET.SubElement(case, "failure", words).text = text
    return case


def _reason(program: str, reason: Reason) -> ET.Element:
    """Return the case of a reason. Nothing is known to be wrong, except for a failed program."""
    kind, text = reason
    case = ET.Element("testcase", classname=program, name=text)
    tag = "failure" if kind == Outcome.FAILED else "error"
    ET.SubElement(case, tag, type=kind.word, message=text)
    return case
