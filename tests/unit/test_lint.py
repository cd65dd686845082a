# SPDX-License-Identifier: GPL-2.0-or-later
"""Lint and types are tests, too."""

import configparser
import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.places import ROOT

SCRIPTS = Path(sys.executable).parent  # of the environment that runs the tests, activated or not


def files(*patterns: str) -> list[str]:
    """The files under version control, and the new ones that are not ignored."""
    argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    found = listed.stdout.splitlines()
    if listed.returncode:  # not a git checkout: a tarball, say
        names = [str(path.relative_to(ROOT)) for path in _walk()]
        found = [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
    return sorted(name for name in found if (ROOT / name).is_file())


def _walk() -> list[Path]:
    """Every file that is not in a cache, the environment or .git."""
    return [
        Path(folder) / name
        for folder, _, names in os.walk(ROOT)
        if not any(p[0] == "." and p != ".ci" for p in Path(folder).relative_to(ROOT).parts)
        for name in names
    ]


def shell_scripts() -> list[str]:
    found = []
    for name in files("*"):
        if name.endswith(".j2"):  # test_script.py checks the script that the template makes
            continue
        with (ROOT / name).open("rb") as file:
            first = file.readline(80)
        if name.endswith(".sh") or (first.startswith(b"#!") and b"sh" in first.split(b"/")[-1]):
            found.append(name)
    return found


def check(*argv: str) -> None:
    program = SCRIPTS / argv[0]
    first = str(program) if program.exists() else argv[0]
    done = subprocess.run([first, *argv[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(argv)}\n{done.stdout}{done.stderr}", pytrace=False)


def test_format():
    check("ruff", "format", "--check", "--diff", "--quiet", ".")


def test_lint():
    check("ruff", "check", "--quiet", "--output-format=concise", ".")


def test_types():
    check("mypy")


def test_layers():
    check("lint-imports")


def test_shell_scripts():
    scripts = shell_scripts()
    assert {"scripts/setup", "emulation_configure.bash"} <= set(scripts)
    check("shellcheck", *scripts)


def user_space() -> list[str]:
    """Return the C files but for the driver, which each build of a template compiles, with W=1."""
    sources = files(
        "guest/*.c",
        "bench/*.c",
        "native/*.c",
        "tests/corpus/*.c",
    )
    return [name for name in sources if not name.startswith("guest/driver/")]


C_FILES = [*user_space(), "guest/driver/famulus_uapi.h"]


@pytest.fixture(scope="module")
def gcc() -> subprocess.CompletedProcess[str]:
    """gcc's check of all C files: one process for all, which goes on after an error."""
    include = [
        "-Iguest/lib/include",
        "-Iguest/driver",
        "-Inative/include",
        "-Inative/shared",
        "-Inative/plugin",
    ]  # installed in a node
    argv = ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", *include, "-fsyntax-only", *C_FILES]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", C_FILES)
def test_c(gcc: subprocess.CompletedProcess[str], name: str):
    """Nothing in gcc's output names the file. All files fail if an error names none of them."""
    if gcc.returncode:
        named = [other for other in C_FILES if f"{other}:" in gcc.stderr]
        assert named, gcc.stderr
        assert name not in named, gcc.stderr


def test_format_of_c():
    check("clang-format", "--dry-run", "-Werror", *files("*.c", "*.h"))


def test_white_space():
    """Every text follows .editorconfig."""
    for name in files(
        "*.py", "*.c", "*.h", "*.md", "*.sh", "*.toml", "*.j2", "scripts/*", "Makefile"
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        lines = text.splitlines()
        assert text.endswith("\n"), name
        assert "\r" not in text, name
        assert not [number for number, line in enumerate(lines, 1) if line != line.rstrip()], name


def test_line_lengths():
    """C files and makefiles follow .editorconfig; clang-format leaves comments alone."""
    rules = configparser.ConfigParser()
    rules.read_string("[top]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    section = rules["{*.c,*.h,Makefile}"]
    longest, tab = int(section["max_line_length"]), int(section["tab_width"])
    for name in files("*.c", "*.h", "*Makefile"):
        if name.startswith("guest/"):
            continue
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if len(line.expandtabs(tab)) > longest], name


@pytest.mark.parametrize("name", files("*.py", "*.c", "*.h", "scripts/*", "Makefile", ".ci/*"))
def test_licence_line(name: str):
    head = (ROOT / name).read_text(encoding="utf-8").splitlines()[:2]
    assert any("SPDX-License-Identifier: GPL-2.0-or-later" in line for line in head), name
