# SPDX-License-Identifier: GPL-2.0-or-later
"""Choose between the CPU's virtualisation (KVM) and translated code (TCG)."""

import fcntl
import os
import re
from pathlib import Path
from typing import Literal

from famulus.base.errors import FamulusError
from famulus.host import kvm_verdict
from famulus.host.finding import Finding
from famulus.host.programs import QEMU

Accelerator = Literal["kvm", "tcg"]
Wanted = Literal["auto", "kvm", "tcg"]

_CPUINFO = Path("/proc/cpuinfo")
_DEVICE = Path("/dev/kvm")
_HELD = (
    "End the machines of other hypervisors (VirtualBox, VMware), which may hold the CPU's "
    "virtualisation; `dmesg` may tell more."
)
_TRY_AGAIN = (
    "`famulus up --accel kvm` tries again; if this host is a virtual machine, its own hypervisor "
    "has to pass the CPU's virtualisation on completely."
)
_KVM_CREATE_VM = 0xAE01  # linux/kvm.h
_COST = "a node boots in about 8 s instead of 2, and computes 10 to 20 times slower"
_SWITCH_ON = (
    "Switch virtualisation on in the firmware's set-up or, if this host is a virtual machine "
    "itself, switch nested virtualisation on in the machine that hosts it."
)

# QEMU's own default for TCG (target/i386/cpu.h, TCG_PHYS_ADDR_BITS), seen with QEMU 10.0.
_USUAL_ADDRESS_BITS = 40
TCG_ADDRESS_BITS = 42


def kvm_obstacle(
    cpuinfo: Path = _CPUINFO, device: Path = _DEVICE, *, again: bool = False
) -> tuple[str, str] | None:
    """Return the reason why KVM cannot be used and the remedy, or None if it can.

    A device that opens is not enough: on a machine without the CPU's flag KVM aborts, or hangs when
    the guest's kernel starts (measured), and another hypervisor may hold the CPU's virtualisation.
    A trial's verdict counts unless KVM shall be tried `again`.
    """
    if not re.search(r"^flags\s*:.*\b(vmx|svm)\b", _text(cpuinfo), re.MULTILINE):
        return "the CPU shows no virtualisation (no vmx or svm in /proc/cpuinfo)", _SWITCH_ON
    if not device.exists():
        return f"there is no {device}", "As root: `modprobe kvm_intel` or `modprobe kvm_amd`."
    verdict = None if again else kvm_verdict.remembered(QEMU)
    return _device_obstacle(device) or (trial_obstacle(verdict) if verdict else None)


def trial_obstacle(verdict: str) -> tuple[str, str]:
    """Return the reason and the remedy for the `verdict` of a trial that failed."""
    return f"a trial booted nothing ({verdict})", _TRY_AGAIN


def _device_obstacle(device: Path) -> tuple[str, str] | None:
    try:
        fd = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return (
            f"{device} cannot be opened: {error.strerror}",
            "Join its group: `sudo adduser $USER kvm`, then log in again.",
        )
    try:
        os.close(_make_machine(fd))
    except OSError as error:
        return f"{device} makes no machine: {error.strerror}", _HELD
    finally:
        os.close(fd)
    return None


def _make_machine(device: int) -> int:
    """Return the descriptor of a new virtual machine (Linux, Documentation/virt/kvm/api.rst)."""
    return fcntl.ioctl(device, _KVM_CREATE_VM, 0)


def choose_accelerator(
    wanted: str, cpuinfo: Path = _CPUINFO, device: Path = _DEVICE
) -> Accelerator:
    """Return the accelerator for `wanted`, which is auto, kvm or tcg.

    Raises FamulusError with the reason if KVM is wanted and cannot be used.
    """
    if wanted == "tcg":
        return "tcg"
    obstacle = kvm_obstacle(cpuinfo, device, again=wanted == "kvm")
    if obstacle is None:
        return "kvm"
    return instead_of_kvm(wanted, obstacle)


def instead_of_kvm(wanted: str, obstacle: tuple[str, str]) -> Accelerator:
    """Return TCG for `wanted` auto. Raises FamulusError with the `obstacle` for `wanted` kvm."""
    reason, cure = obstacle
    if wanted == "kvm":
        raise FamulusError(
            f"KVM was asked for, but {reason}", hint=f"{cure} Or leave --accel out and use TCG."
        )
    return "tcg"


def check_accelerator(wanted: str, cpuinfo: Path = _CPUINFO, device: Path = _DEVICE) -> Finding:
    """Return which accelerator QEMU will use, and its cost."""
    obstacle = kvm_obstacle(cpuinfo, device, again=wanted == "kvm")
    if wanted == "tcg":
        return Finding("accelerator", "ok", f"TCG, as requested: {_COST}")
    if obstacle is None:
        return Finding("accelerator", "ok", "KVM")
    reason, cure = obstacle
    if wanted == "kvm":
        return Finding(
            "accelerator",
            "error",
            f"KVM was asked for, but {reason}",
            f"{cure} Or use TCG.",
        )
    return fall_back(reason, cure)


def fall_back(reason: str, cure: str) -> Finding:
    """Return the finding that nodes run under TCG because of an obstacle to KVM."""
    return Finding("accelerator", "warning", f"TCG, because {reason}: {_COST}", cure)


def largest_pool(accelerator: Accelerator, cpuinfo: Path = _CPUINFO) -> int:
    """Return the size in bytes of the largest pool that fits into a PCI BAR of a node.

    The firmware places a BAR of up to a quarter of the CPU's address space (measured with QEMU
    10.0: 40 bits take 256 GiB and no more, 41 take 512 GiB, 42 take 1 TiB); a larger BAR gets no
    address.
    """
    return 1 << (address_bits(accelerator, cpuinfo) - 2)


def address_bits(accelerator: Accelerator, cpuinfo: Path = _CPUINFO) -> int:
    """Return how many bits a physical address has in a node."""
    return TCG_ADDRESS_BITS if accelerator == "tcg" else _host_address_bits(cpuinfo)


def cpu_features(cpuinfo: Path = _CPUINFO) -> str:
    """Return the properties of the host's CPU that a node under KVM sees: its model and flags."""
    lines = re.findall(
        r"^(?:model name|stepping|microcode|flags)\s*:.*", _text(cpuinfo), re.MULTILINE
    )
    return "\n".join(sorted(set(lines)))


def _host_address_bits(cpuinfo: Path) -> int:
    found = re.search(r"^address sizes\s*:\s*(\d+) bits physical", _text(cpuinfo), re.MULTILINE)
    return int(found[1]) if found else _USUAL_ADDRESS_BITS


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
