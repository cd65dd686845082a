# SPDX-License-Identifier: GPL-2.0-or-later
"""The host check: what counts as KVM, which versions, how much room, and the cures."""

import os
from pathlib import Path

import pytest

from famulus.errors import FamulusError
from famulus.host import accelerator, check, programs, rootless, space
from famulus.host.finding import Finding
from famulus.host.programs import Program, at_least, distribution_id, parse_version
from famulus.host.versions import version_text
from famulus.spec import FabricSpec
from famulus.units import GIB, MIB, TIB

QEMU = Program("qemu-system-x86_64", "qemu-system-x86", "runs nodes", "10.0", backports=True)


@pytest.fixture
def cpu(tmp_path):
    """Make a /proc/cpuinfo."""

    def write(flags: str = "fpu", bits: int = 46) -> Path:
        path: Path = tmp_path / "cpuinfo"
        path.write_text(
            f"flags\t\t: fpu {flags} sse\naddress sizes\t: {bits} bits physical, 48 bits virtual\n"
        )
        return path

    return write


@pytest.fixture
def device(tmp_path):
    path = tmp_path / "kvm"
    path.touch()
    return path


# --- accelerator


@pytest.mark.parametrize("flag", ["vmx", "svm"])
def test_kvm_needs_the_flag_and_the_device(cpu, device, flag):
    assert accelerator.choose_accelerator("auto", cpu(flag), device) == "kvm"
    assert accelerator.choose_accelerator("kvm", cpu(flag), device) == "kvm"
    assert accelerator.choose_accelerator("tcg", cpu(flag), device) == "tcg"
    assert accelerator.check_accelerator("auto", cpu(flag), device).level == "ok"


def test_a_device_without_the_flag_is_no_kvm(cpu, device):
    assert accelerator.choose_accelerator("auto", cpu("vmx_not"), device) == "tcg"
    with pytest.raises(FamulusError, match="no vmx or svm") as caught:
        accelerator.choose_accelerator("kvm", cpu(), device)
    assert "nested" in caught.value.hint


def test_the_flag_without_a_device_is_no_kvm(cpu, tmp_path):
    assert accelerator.choose_accelerator("auto", cpu("vmx"), tmp_path / "none") == "tcg"
    with pytest.raises(FamulusError, match="there is no") as caught:
        accelerator.choose_accelerator("kvm", cpu("vmx"), tmp_path / "none")
    assert "modprobe" in caught.value.hint


def test_a_device_that_does_not_open(cpu, tmp_path):
    finding = accelerator.check_accelerator("kvm", cpu("svm"), tmp_path)  # a folder does not
    assert finding.level == "error"
    assert "cannot be opened" in finding.text
    assert "adduser" in finding.cure


def test_tcg_says_what_it_costs(cpu, device):
    finding = accelerator.check_accelerator("auto", cpu(), device)
    assert finding.level == "warning"
    assert "10 to 20 times slower" in finding.text
    assert accelerator.check_accelerator("tcg", cpu(), device).level == "ok"


def test_largest_pool(cpu):
    assert accelerator.largest_pool("tcg", cpu(bits=48)) == TIB
    assert accelerator.largest_pool("kvm", cpu(bits=39)) == 128 * GIB
    assert accelerator.largest_pool("kvm", cpu(bits=46)) == 16 * TIB


# --- programs


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)", "10.0.2"),
        ("mmdebstrap 1.5.6", "1.5.6"),
        ("mke2fs 1.47.2 (1-Jan-2025)\n\tUsing EXT2FS Library version 1.47.2", "1.47.2"),
        ("nothing", ""),
    ],
)
def test_version(text, version):
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
def test_at_least(version, minimum, enough):
    assert at_least(version, minimum) is enough


@pytest.fixture
def qemu(fp, monkeypatch, tmp_path):
    """A QEMU that says which version it is."""

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


def test_a_program_is_asked_once_until_it_changes(tmp_path):
    program, asked = tmp_path / "program", tmp_path / "asked"
    program.write_text(f"#!/bin/sh\necho x >> {asked}\necho version 1.2\n")
    program.chmod(0o755)
    assert {version_text(str(program)) for _ in range(3)} == {"version 1.2\n"}
    assert asked.read_text() == "x\n"
    program.write_text(program.read_text().replace("1.2", "1.2.3"))
    assert version_text(str(program)) == "version 1.2.3\n"


def test_a_spoilt_memory_of_versions_is_no_obstacle(tmp_path, famulus_home):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho version 1.2\n")
    program.chmod(0o755)
    (famulus_home / "versions.json").write_text("{")
    assert version_text(str(program)) == "version 1.2\n"


def test_too_old_on_debian_12(qemu):
    finding = qemu("QEMU emulator version 7.2.22")
    assert finding.level == "error"
    assert "7.2.22" in finding.text
    assert "10.0 or newer" in finding.text
    assert "-t bookworm-backports qemu-system-x86" in finding.cure


def test_too_old_elsewhere(qemu):
    assert "backports" not in qemu("QEMU 9.1", "debian-13").cure
    assert "usually called qemu-system-x86" in qemu("QEMU 9.1", "fedora-42").cure


def test_one_that_does_not_say(qemu):
    assert "unknown version" in qemu("Segmentation fault").text


def test_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, "find_program", lambda _: None)
    found = programs.check_programs()
    assert [finding.name for finding in found] == [program.name for program in programs.PROGRAMS]
    lost = [finding for finding in found if not finding.name.startswith("/")]
    assert all(finding.level == "error" and finding.cure for finding in lost)
    (gone,) = programs.check_programs((Program(str(tmp_path / "none"), "p", "is a file"),))
    assert gone.level == "error"


def test_distribution(tmp_path):
    path = tmp_path / "os-release"
    assert distribution_id(path) == "unknown"
    path.write_text('PRETTY_NAME="Debian"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nID=debian\n')
    assert distribution_id(path) == "debian-12"
    path.write_text("ID=arch\n")
    assert distribution_id(path) == "arch"


# --- room


@pytest.fixture
def meminfo(tmp_path):
    path = tmp_path / "meminfo"
    path.write_text("MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\nSwapTotal: 0 kB\n")
    return path


@pytest.mark.parametrize(
    ("nodes", "cold", "pool", "level"),
    [
        ((4, 0), False, "/dev/shm/p", "ok"),
        ((5, 0), False, "/dev/shm/p", "warning"),  # 5 x 662 MiB and the pool's GiB
        ((5, 0), False, "/disk/p", "ok"),
        ((8, 0), False, "/disk/p", "warning"),
        ((8, 4), False, "/disk/p", "ok"),
        ((32, 0), False, "/disk/p", "warning"),  # not all of it is touched
        ((33, 0), False, "/disk/p", "error"),
        ((64, 32), False, "/disk/p", "warning"),
        ((12, 0), True, "/disk/p", "warning"),
        ((13, 0), True, "/disk/p", "error"),
        ((2, 8), False, "/disk/p", "ok"),
    ],
)
def test_memory(meminfo, nodes, cold, pool, level):
    nodes, running = nodes
    spec = FabricSpec(nodes=nodes, cold=cold)
    finding = space.check_memory(spec, "tcg", Path(pool), running=running, meminfo=meminfo)
    assert finding.level == level
    assert finding.level == "ok" or "--memory" in finding.cure


def test_too_many_nodes_are_told_how_many_fit(meminfo):
    spec = FabricSpec(nodes=64)
    finding = space.check_memory(spec, "tcg", Path("/disk/p"), running=2, meminfo=meminfo)
    assert finding.level == "error"
    assert finding.text == "4.0 GiB available; 64 nodes need 7.6 GiB at least; 34 fit"


@pytest.fixture
def free(monkeypatch):
    """Let every file system have so much room."""

    def let(size: int) -> None:
        monkeypatch.setattr(space, "free_bytes", lambda _: size)

    return let


@pytest.mark.parametrize(
    ("room", "level"),
    [(2 * GIB, "ok"), (GIB, "ok"), (GIB - 1, "warning"), (16 * MIB, "warning"), (MIB, "error")],
)
def test_pool_room(tmp_path, free, room, level):
    free(room)
    finding = space.check_pool(FabricSpec(), "tcg", tmp_path / "pool")
    assert finding.level == level
    assert finding.level == "ok" or "--pool-file" in finding.cure


def test_what_the_pool_has_taken_counts_as_room(tmp_path, free):
    (tmp_path / "pool").write_bytes(b"x" * 32 * MIB)
    free(0)
    assert space.check_pool(FabricSpec(), "tcg", tmp_path / "pool").level == "warning"


def test_pool_too_large_for_a_bar(tmp_path, free, monkeypatch):
    free(TIB)
    monkeypatch.setattr(space, "largest_pool", lambda _: 256 * GIB)
    finding = space.check_pool(FabricSpec(pool=512 * GIB), "tcg", tmp_path / "pool")
    assert finding.level == "error"
    assert "the largest that does is 256G" in finding.text
    assert space.check_pool(FabricSpec(pool=256 * GIB), "tcg", tmp_path / "pool").level == "ok"


def test_pool_without_a_folder(tmp_path):
    finding = space.check_pool(FabricSpec(), "tcg", tmp_path / "none" / "pool")
    assert finding.level == "error"
    assert "--pool-file" in finding.cure


def test_disk(tmp_path, monkeypatch, free):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / "not" / "yet"))
    free(100 * GIB)
    assert {finding.level for finding in space.check_disk(FabricSpec())} == {"ok"}
    free(GIB)
    assert {finding.level for finding in space.check_disk(FabricSpec())} == {"error"}
    (tmp_path / "not/yet/templates/.part").mkdir(parents=True)
    assert not space.has_template()
    (tmp_path / "not/yet/templates/abc").mkdir()
    assert {finding.level for finding in space.check_disk(FabricSpec())} == {"warning"}


# --- without root


@pytest.fixture
def user(tmp_path, monkeypatch):
    """A normal user with everything in order; returns the stand-ins for /etc and /proc/sys."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    monkeypatch.setattr(rootless, "find_program", lambda _: "/usr/bin/newuidmap")
    monkeypatch.setattr(rootless, "_refused", lambda: None)
    for name in ("subuid", "subgid"):
        (tmp_path / name).write_text("bob:100000:65536\nann:165536:65536\n")
    (tmp_path / "kernel").mkdir()
    (tmp_path / "user").mkdir()
    return tmp_path


def test_user_can_build(user):
    assert rootless.check_rootless("error", user, user).level == "ok"


def test_root_needs_nothing(user, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert rootless.check_rootless("error", user / "none", user).level == "ok"


@pytest.mark.parametrize("name", ["subuid", "subgid"])
@pytest.mark.parametrize("text", ["", "bob:1:65536\n", "ann:1:100\n", "ann\n", None])
def test_no_ids(user, name, text):
    if text is None:
        (user / name).unlink()
    else:
        (user / name).write_text(text)
    finding = rootless.check_rootless("warning", user, user)
    assert finding.level == "warning"
    assert name in finding.text
    assert "usermod --add-subuids" in finding.cure
    assert "ann" in finding.cure


@pytest.mark.parametrize("switch", ["kernel/unprivileged_userns_clone", "user/max_user_namespaces"])
def test_switched_off(user, switch):
    (user / switch).write_text("0\n")
    finding = rootless.check_rootless("error", user, user)
    assert finding.level == "error"
    assert f"sysctl {switch.replace('/', '.')}=" in finding.cure


def test_no_newuidmap(user, monkeypatch):
    monkeypatch.setattr(rootless, "find_program", lambda _: None)
    assert "uidmap" in rootless.check_rootless("error", user, user).cure


def test_refused_by_the_system(fp, monkeypatch):
    monkeypatch.setattr("famulus.run.find_program", lambda name: f"/usr/bin/{name}")
    words = ["/usr/bin/unshare", "--user", "--map-root-user", "true"]
    fp.register(words, returncode=1, stderr="unshare: Operation not permitted")
    text, cure = rootless._refused() or ("", "")
    assert "Operation not permitted" in text
    assert "apparmor_restrict_unprivileged_userns" in cure
    fp.register(words)
    assert rootless._refused() is None


# --- all of it


def test_require():
    fine, bad, worse = (
        Finding("a", "warning", "slow", "wait"),
        Finding("b", "error", "is missing", "get it"),
        Finding("c", "error", "is full", "empty it"),
    )
    check.require([fine])
    with pytest.raises(FamulusError, match="b: is missing") as caught:
        check.require([fine, bad])
    assert caught.value.hint == "get it"
    with pytest.raises(FamulusError, match="2 things") as caught:
        check.require([bad, fine, worse])
    for words in ("b: is missing", "get it", "c: is full", "empty it"):
        assert words in caught.value.details


def test_this_host(tmp_path, monkeypatch):
    monkeypatch.setenv("FAMULUS_HOME", str(tmp_path / "home"))
    found = check.check_host(FabricSpec(pool_file=tmp_path / "pool"))
    names = [finding.name for finding in found]
    for name in ("qemu-system-x86_64", "accelerator", "user namespaces", "disk", "memory", "pool"):
        assert name in names
    assert all(finding.cure for finding in found if finding.level != "ok")
    assert not (tmp_path / "home").exists()
