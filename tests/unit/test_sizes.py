# SPDX-License-Identifier: GPL-2.0-or-later
"""Files and functions are as short as CONTRIBUTING says."""

import ast

from tests.places import ROOT
from tests.unit.test_lint import files


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def share(sizes: list[int], most: int) -> float:
    """The share of sizes that are at most `most`."""
    return sum(size <= most for size in sizes) / len(sizes)


def functions_of_python(name: str) -> list[int]:
    """The lines of each function, signature and docstring included."""
    nodes = ast.walk(ast.parse("\n".join(lines(name))))
    found = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    return [(node.end_lineno or node.lineno) - node.lineno + 1 for node in found]


def bodies_of_c(name: str) -> list[int]:
    """The lines of each function's body, without its braces, which stand alone in column 1."""
    text = lines(name)
    begins = [number for number, line in enumerate(text) if line == "{"]
    return [text.index("}", begin) - begin - 1 for begin in begins]


def test_files_are_short():
    longest = {"src/*.py": 300, "native/*.[ch]": 330, "guest/*.[ch]": 330}
    for pattern, most in longest.items():
        assert [name for name in files(pattern) if len(lines(name)) > most] == []


def test_functions_of_python_are_short():
    sizes = [size for name in files("src/*.py") for size in functions_of_python(name)]
    assert (share(sizes, 6) >= 0.5, share(sizes, 16) >= 0.9) == (True, True)


def test_functions_of_c_are_short():
    for folder in ("native", "guest"):
        sizes = [size for name in files(f"{folder}/*.c") for size in bodies_of_c(name)]
        assert share(sizes, 6) >= 0.5, folder
