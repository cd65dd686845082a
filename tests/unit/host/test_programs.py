# SPDX-License-Identifier: GPL-2.0-or-later
"""The check of programs: found, new enough, run once for their version, each with its cure."""

import pytest

from famulus.host import programs
from famulus.host.finding import Finding
from famulus.host.programs import Program, at_least, distribution_id, parse_version
from famulus.host.versions import version_text

QEMU = Program("qemu-system-x86_64", "qemu-system-x86", "runs nodes", "10.0", backports=True)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)", "10.0.2"),
        ("mmdebstrap 1.5.6", "1.5.6"),
        ("mke2fs 1.47.2 (1-Jan-2025)\n\tUsing EXT2FS Library version 1.47.2", "1.47.2"),
        ("nothing", ""),
    ],
)
def test_the_version_is_the_first_dotted_number(text, version):
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("version", "minimum", "enough"),
    [
        ("10.0.2", "10.0", True),
        ("10.0", "10.0", True),
        ("9.2.4", "10.0", False),
        ("1.5.6", "1.5", True),
        ("1.47.0", "1.47.2", False),
        ("1.47.10", "1.47.2", True),
        ("", "1.0", False),
    ],
)
def test_versions_are_compared_by_numbers(version, minimum, enough):
    assert at_least(version, minimum) is enough


@pytest.fixture
def qemu(fp, monkeypatch, tmp_path):
    """A QEMU that prints a version."""

    file = tmp_path / "qemu"
    file.touch()

    def install(words: str, distribution: str = "debian-12") -> Finding:
        monkeypatch.setattr(programs, "find_program", lambda _: str(file))
        monkeypatch.setattr(programs, "distribution_id", lambda: distribution)
        file.write_text(words)  # another file is asked anew
        fp.register([str(file), "--version"], stdout=words)
        (finding,) = programs.check_programs((QEMU,))
        return finding

    return install


def test_new_enough(qemu, tmp_path):
    finding = qemu("QEMU emulator version 10.0.2")
    assert finding == Finding(QEMU.name, "ok", f"{tmp_path / 'qemu'}, version 10.0.2")


def test_a_version_is_remembered_until_the_program_changes(tmp_path):
    program, asked = tmp_path / "program", tmp_path / "asked"
    program.write_text(f"#!/bin/sh\necho x >> {asked}\necho version 1.2\n")
    program.chmod(0o755)
    assert {version_text(str(program)) for _ in range(3)} == {"version 1.2\n"}
    assert asked.read_text() == "x\n"
    program.write_text(program.read_text().replace("1.2", "1.2.3"))
    assert version_text(str(program)) == "version 1.2.3\n"


def test_a_damaged_file_of_versions_is_no_obstacle(tmp_path, famulus_home):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho version 1.2\n")
    program.chmod(0o755)
    (famulus_home / "versions.json").write_text("{")
    assert version_text(str(program)) == "version 1.2\n"


def test_the_cure_on_debian_12_is_backports(qemu):
    finding = qemu("QEMU emulator version 7.2.22")
    assert finding.level == "error"
    assert "7.2.22" in finding.text
    assert "10.0 or newer" in finding.text
    assert "-t bookworm-backports qemu-system-x86" in finding.cure


def test_the_cure_elsewhere_is_the_package(qemu):
    assert "backports" not in qemu("QEMU 9.1", "debian-13").cure
    assert "usually called qemu-system-x86" in qemu("QEMU 9.1", "fedora-42").cure


def test_an_unknown_version_is_too_old(qemu):
    assert "unknown version" in qemu("Segmentation fault").text


def test_a_missing_program_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, "find_program", lambda _: None)
    found = programs.check_programs()
    assert [finding.name for finding in found] == [program.name for program in programs.PROGRAMS]
    lost = [finding for finding in found if not finding.name.startswith("/")]
    assert all(finding.level == "error" and finding.cure for finding in lost)
    (gone,) = programs.check_programs((Program(str(tmp_path / "none"), "p", "is a file"),))
    assert gone.level == "error"


def test_the_distribution_has_id_and_version(tmp_path):
    path = tmp_path / "os-release"
    assert distribution_id(path) == "unknown"
    path.write_text('PRETTY_NAME="Debian"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nID=debian\n')
    assert distribution_id(path) == "debian-12"
    path.write_text("ID=arch\n")
    assert distribution_id(path) == "arch"
