# SPDX-License-Identifier: GPL-2.0-or-later
"""JUnit's XML: a failed case for each defect, one passed case without defects. Pure."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from famulus.checker.report.model import Defect
from famulus.checker.report.text import lines_of


def junit(program: str, defects: Sequence[Defect]) -> str:
    """Return the document of one run of `program`."""
    count = str(len(defects))
    tests = str(max(1, len(defects)))
    # Jenkins' schema (xunit-plugin, junit-10.xsd) wants the number of errors, too.
    suite = ET.Element("testsuite", name="famulus check", tests=tests, failures=count, errors="0")
    for defect in defects:
        name = f"{defect.kind}: {' / '.join(filter(None, defect.sites))}"
        case = ET.SubElement(suite, "testcase", classname=program, name=name)
        failure = ET.SubElement(
            case, "failure", type=defect.kind, message=defect.note or defect.kind
        )
        failure.text = "\n".join(text for _, text in lines_of(defect))
    if not defects:
        ET.SubElement(suite, "testcase", classname=program, name="no defect")
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
