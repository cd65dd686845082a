# SPDX-License-Identifier: GPL-2.0-or-later
"""libfamulus: the files that `make install` puts into a node, and programs that use them."""

import shutil
import subprocess

import pytest

from tests.unit.guest import lib


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The library as a node has it, below a folder."""
    folder = tmp_path_factory.mktemp("installed")
    copy = folder / "source"
    shutil.copytree(lib.LIB.parent, copy, ignore=shutil.ignore_patterns("build"))
    argv = ["make", "--quiet", "-C", copy / "lib", "install", f"DESTDIR={folder}"]
    subprocess.run(argv, check=True, capture_output=True)
    return folder / "usr"


def test_library_headers_and_pkg_config_are_installed(installed):
    found = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert {
        "lib/libfamulus.a",
        "lib/libfamulus.so.1",
        "lib/libfamulus.so",
        "lib/pkgconfig/famulus.pc",
        "include/famulus.h",
        "include/famulus/sync.h",
        "include/famulus/compat/fam_atomic.h",
    } <= found


def test_only_public_symbols_are_exported(installed):
    """Every symbol of the shared object is declared in a header."""
    headers = "".join(p.read_text(encoding="utf-8") for p in installed.rglob("famulus/*.h"))
    listed = subprocess.check_output(
        ["nm", "-D", "--defined-only", installed / "lib/libfamulus.so.1"], text=True
    )
    names = {line.split()[2] for line in listed.splitlines()}
    assert "fam_open" in names
    for name in names:
        assert name.rstrip("0123456789") in headers or "fam_fetch_" in name, name


@pytest.mark.parametrize("compiler", ["gcc -std=c11", "gcc -std=gnu17 -O0", "g++ -std=c++17"])
def test_programs_compile_against_it(installed, tmp_path, compiler):
    if shutil.which(compiler.split()[0]) is None:
        pytest.skip(f"{compiler} is not installed")
    source = tmp_path / f"program.{'cc' if '++' in compiler else 'c'}"
    source.write_text(
        "#include <famulus.h>\n"
        "int main() { uint64_t x = 0; struct fam *fam;\n"
        'return fam_fetch_add64(&x, 2) + fam_open(&fam, "/none") != (uint64_t)-2; }\n',
        encoding="utf-8",
    )
    target = tmp_path / "program"
    argv = [*compiler.split(), "-Wall", "-Wextra", "-Werror", f"-I{installed / 'include'}"]
    argv += [str(source), f"-L{installed / 'lib'}", "-lfamulus", "-o", str(target)]
    subprocess.run(argv, check=True)
    env = {"LD_LIBRARY_PATH": str(installed / "lib")}
    assert subprocess.run([target], env=env, check=False).returncode == 0
