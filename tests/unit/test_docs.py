# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs in docs/programming compile and run; all links have a target."""

import os
import re
import subprocess
import sys

import pytest

from tests.places import ROOT
from tests.unit.guest import lib
from tests.unit.timeouts import TIMEOUT

DOCS = ROOT / "docs"
PAGES = sorted((DOCS / "programming").glob("*.md"))
_BLOCK = re.compile(r"```(c|python)\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def programs():
    for page in PAGES:
        for kind, code in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if kind == "python" or "int main(" in code:
                yield pytest.param(kind, code, id=page.stem)


@pytest.mark.parametrize(("kind", "code"), list(programs()))
def test_a_program_of_the_docs_runs_twice(kind, code, tmp_path, shared_pool, lib_objects):
    """Unchanged, without a warning; the second run finds the regions of the first."""
    shared_pool.write_bytes(bytes(4 << 20))
    if kind == "c":
        source, argv = tmp_path / "program.c", [str(tmp_path / "program")]
        source.write_text(code, encoding="utf-8")
        compat = f"-I{lib.LIB / 'include/famulus/compat'}"
        lib.gcc("-O2", compat, "-o", argv[0], source, *lib_objects)
    else:
        argv = [sys.executable, "-c", code]
    env = {**os.environ, "PYTHONPATH": str(lib.LIB / "python")}
    for _ in range(2):
        done = subprocess.run(
            argv, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_every_page_is_linked_and_every_link_has_a_target():
    start = DOCS / "programming.md"
    linked = set()
    for page in [start, *PAGES]:
        for link in _LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link).resolve()
            assert target.exists(), f"{page.name}: {link}"
            linked.add(target)
    assert set(PAGES) <= linked


def test_every_page_but_the_reference_has_a_program():
    with_program = {param.id for param in programs()}
    assert {page.stem for page in PAGES} - with_program == {"reference"}


def test_the_reference_equals_the_headers():
    script = ROOT / "scripts/render_headers.py"
    subprocess.run([sys.executable, script, "--check"], check=True)
