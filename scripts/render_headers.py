#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write docs/programming/reference.md from the public headers of libfamulus.

scripts/render_headers.py [--check]: with --check, fail if the file is not up to date.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
INCLUDE = ROOT / "guest/lib/include"
TARGET = ROOT / "docs/programming/reference.md"
HEADERS = ("pool", "region", "flush", "atomic", "sync", "queue")
_HEAD = """<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Written by scripts/render_headers.py from the headers: change the headers. -->
# Reference of libfamulus

`#include <famulus.h>` includes all of these headers.
"""
_COMMENT = re.compile(r"/\*\n(.*?) \*/\n", re.DOTALL)
_GUARD = re.compile(r"#ifndef (FAMULUS_\w+_H)\n#define \1\n\n?(.*)#endif\n", re.DOTALL)


def render() -> str:
    """Return the text of the reference."""
    return _HEAD + "".join(_section(name) for name in HEADERS)


def _section(name: str) -> str:
    """Return a header as a section: its first comment as text, the rest as code."""
    text = (INCLUDE / f"famulus/{name}.h").read_text(encoding="utf-8").split("\n", 1)[1]
    comment = _COMMENT.match(text)
    guarded = _GUARD.search(text)
    if comment is None or guarded is None:
        sys.exit(f"{name}.h does not begin with a comment and a guard")
    prose = re.sub(r"^ \* ?", "", comment[1], flags=re.MULTILINE).strip()
    prose = re.sub(r"\n\n {2}(.*?)(?=\n\n|\Z)", r"\n\n```\n  \1\n```", prose, flags=re.DOTALL)
    return f"\n## famulus/{name}.h\n\n{prose}\n\n```c\n{guarded[2].strip()}\n```\n"


def main() -> None:
    """Write the reference, or check that it is up to date."""
    text = render()
    if sys.argv[1:] != ["--check"]:
        TARGET.write_text(text, encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET.name} is not up to date; run scripts/render_headers.py")


if __name__ == "__main__":
    main()
