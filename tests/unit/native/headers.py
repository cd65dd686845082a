# SPDX-License-Identifier: GPL-2.0-or-later
"""Read constants, enumerations and structures from the C headers of native/."""

import ast
import re
from functools import cache

from tests.unit.native.plugin import NATIVE

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DEFINE = re.compile(r"^#define (\w+)[ \t]+(0x[0-9a-fA-F]+|\d+)u?$", re.MULTILINE)


@cache
def text(name: str) -> str:
    """Return the header below native/ without comments and trailing white space."""
    code = _COMMENT.sub("", (NATIVE / name).read_text(encoding="utf-8"))
    return "\n".join(line.rstrip() for line in code.splitlines())


def constants(name: str) -> dict[str, int]:
    """Return the numbers that the header defines as macros."""
    return {word: int(number, 0) for word, number in _DEFINE.findall(text(name))}


def enumerators(name: str, first: str) -> dict[str, int]:
    """Return the enumeration of the header that begins with the enumerator `first`."""
    found = re.search(rf"enum\s*\w*\s*{{\s*({first}\b[^}}]*)}}", text(name))
    assert found, first
    values: dict[str, int] = {}
    for entry in filter(None, map(str.strip, found[1].split(","))):
        word, _, number = (part.strip() for part in entry.partition("="))
        values[word] = int(number, 0) if number else len(values) and max(values.values()) + 1
    return values


def members(name: str, structure: str) -> list[tuple[str, str]]:
    """Return type and name of each plain member of the structure, in order."""
    found = re.search(rf"struct {structure} {{\n(.*?)^}}", text(name), re.DOTALL | re.MULTILINE)
    assert found, structure
    return re.findall(r"^\t(\w+) \*?(\w+);$", found[1], re.MULTILINE)


def python_constant(path: str, name: str) -> object:
    """Return the literal that the Python file below native/ assigns to `name`."""
    for node in ast.parse((NATIVE / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [
            name
        ]:
            return ast.literal_eval(node.value)
    raise AssertionError(name)
