# SPDX-License-Identifier: GPL-2.0-or-later
"""The choice of the accelerator, and the largest pool that a CPU can address."""

import errno
import os
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.base.units import GIB, TIB
from famulus.host import accelerator, kvm_verdict


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
def device(tmp_path, monkeypatch):
    """A device that makes machines."""
    path = tmp_path / "kvm"
    path.touch()
    monkeypatch.setattr(accelerator, "_make_machine", os.dup)
    return path


@pytest.mark.parametrize("flag", ["vmx", "svm"])
def test_kvm_needs_the_flag_and_the_device(cpu, device, flag):
    assert accelerator.choose_accelerator("auto", cpu(flag), device) == "kvm"
    assert accelerator.choose_accelerator("kvm", cpu(flag), device) == "kvm"
    assert accelerator.choose_accelerator("tcg", cpu(flag), device) == "tcg"
    assert accelerator.check_accelerator("auto", cpu(flag), device).level == "ok"


def test_a_device_without_the_flag_is_not_used(cpu, device):
    assert accelerator.choose_accelerator("auto", cpu("vmx_not"), device) == "tcg"
    with pytest.raises(FamulusError, match="no vmx or svm") as caught:
        accelerator.choose_accelerator("kvm", cpu(), device)
    assert "nested" in caught.value.hint


def test_the_flag_without_a_device_is_not_enough(cpu, tmp_path):
    assert accelerator.choose_accelerator("auto", cpu("vmx"), tmp_path / "none") == "tcg"
    with pytest.raises(FamulusError, match="there is no") as caught:
        accelerator.choose_accelerator("kvm", cpu("vmx"), tmp_path / "none")
    assert "modprobe" in caught.value.hint


def test_a_device_that_does_not_open_is_an_obstacle(cpu, tmp_path):
    finding = accelerator.check_accelerator("kvm", cpu("svm"), tmp_path)  # a folder does not
    assert finding.level == "error"
    assert "cannot be opened" in finding.text
    assert "adduser" in finding.cure


def test_a_device_that_makes_no_machine_is_an_obstacle(cpu, device, monkeypatch):
    def busy(_device: int) -> int:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(accelerator, "_make_machine", busy)
    finding = accelerator.check_accelerator("auto", cpu("vmx"), device)
    assert finding.level == "warning"
    assert f"{device} makes no machine: Device or resource busy" in finding.text
    assert "VirtualBox" in finding.cure
    assert accelerator.choose_accelerator("auto", cpu("vmx"), device) == "tcg"


def test_a_file_that_is_no_device_makes_no_machine(cpu, tmp_path):
    (tmp_path / "kvm").touch()
    finding = accelerator.check_accelerator("auto", cpu("vmx"), tmp_path / "kvm")
    assert "makes no machine" in finding.text


def test_the_verdict_of_a_trial_counts_unless_kvm_is_asked_for(cpu, device, monkeypatch):
    verdict = {"": "kvm", "KVM internal error": "tcg"}
    for words, chosen in verdict.items():
        monkeypatch.setattr(kvm_verdict, "remembered", lambda _, words=words: words)
        assert accelerator.choose_accelerator("auto", cpu("vmx"), device) == chosen
        assert accelerator.choose_accelerator("kvm", cpu("vmx"), device) == "kvm"
    finding = accelerator.check_accelerator("auto", cpu("vmx"), device)
    assert "a trial booted nothing (KVM internal error)" in finding.text
    assert "--accel kvm" in finding.cure


def test_a_verdict_counts_until_the_host_boots_again(famulus_home, monkeypatch, tmp_path):
    monkeypatch.setattr(kvm_verdict, "program_version", lambda _: "QEMU 10")
    assert kvm_verdict.remembered("qemu") is None
    for words in ("", "hangs"):
        kvm_verdict.remember("qemu", words)
        assert kvm_verdict.remembered("qemu") == words
    boot_id = tmp_path / "boot_id"
    boot_id.write_text("another\n")
    monkeypatch.setattr(kvm_verdict, "_BOOT_ID", boot_id)
    assert kvm_verdict.remembered("qemu") is None
    (famulus_home / "kvm.json").write_text("[1]")
    assert kvm_verdict.remembered("qemu") is None


def test_the_finding_about_tcg_names_its_cost(cpu, device):
    finding = accelerator.check_accelerator("auto", cpu(), device)
    assert finding.level == "warning"
    assert "10 to 20 times slower" in finding.text
    assert accelerator.check_accelerator("tcg", cpu(), device).level == "ok"


def test_the_largest_pool_is_a_quarter_of_the_address_space(cpu):
    assert accelerator.largest_pool("tcg", cpu(bits=48)) == TIB
    assert accelerator.largest_pool("kvm", cpu(bits=39)) == 128 * GIB
    assert accelerator.largest_pool("kvm", cpu(bits=46)) == 16 * TIB
