# SPDX-License-Identifier: GPL-2.0-or-later
"""The choice of the accelerator, and the largest pool that a CPU can address."""

from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.base.units import GIB, TIB
from famulus.host import accelerator


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


def test_the_finding_about_tcg_names_its_cost(cpu, device):
    finding = accelerator.check_accelerator("auto", cpu(), device)
    assert finding.level == "warning"
    assert "10 to 20 times slower" in finding.text
    assert accelerator.check_accelerator("tcg", cpu(), device).level == "ok"


def test_the_largest_pool_is_a_quarter_of_the_address_space(cpu):
    assert accelerator.largest_pool("tcg", cpu(bits=48)) == TIB
    assert accelerator.largest_pool("kvm", cpu(bits=39)) == 128 * GIB
    assert accelerator.largest_pool("kvm", cpu(bits=46)) == 16 * TIB
