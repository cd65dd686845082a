# SPDX-License-Identifier: GPL-2.0-or-later
"""Try KVM: boot a kernel up to the panic that ends the boot of a kernel without a root file system.

On some hosts QEMU aborts when QEMU sets a register of the CPU, on others the kernel never runs an
instruction (see docs/facts.md).
"""

from contextlib import suppress
from pathlib import Path

from famulus.backend.machine import PROGRAM
from famulus.base.errors import FamulusError
from famulus.base.run import run

TIMEOUT = 90.0  # seconds; a boot up to the panic takes one, and some in a nested machine
_END = "Kernel panic - not syncing"
_FAILURES = ("KVM internal error", "error: failed to set MSR", "failed to initialize kvm")
_NO_WORD = "the kernel does not get on"


class _OverError(Exception):
    """The output has shown the result; QEMU need not run any longer."""


def trial_arguments(kernel: Path, initrd: Path) -> list[str]:
    """Return the arguments of the machine, which has the CPU of nodes under KVM. Pure."""
    return [
        PROGRAM,
        "-nodefaults", "-no-user-config",
        "-display", "none",
        "-machine", "pc",
        "-accel", "kvm", "-cpu", "host",
        "-m", "256M",
        "-kernel", str(kernel),
        "-initrd", str(initrd),
        "-append", "console=ttyS0 earlyprintk=serial,ttyS0 panic=-1 rdinit=/none",
        "-no-reboot",
        "-serial", "stdio",
    ]  # fmt: skip


def obstacle(kernel: Path, initrd: Path) -> str:
    """Return why KVM does not boot `kernel`, or "" if KVM does. Takes up to TIMEOUT seconds."""
    printed: list[str] = []

    def on_line(line: str) -> None:
        printed.append(line)
        if any(words in line for words in (_END, *_FAILURES)):
            raise _OverError

    with suppress(_OverError, FamulusError):  # the output tells
        run(trial_arguments(kernel, initrd), timeout=TIMEOUT, check=False, on_line=on_line)
    if any(_END in line for line in printed):
        return ""
    return next((line.strip() for line in printed if _is_failure(line)), _NO_WORD)


def _is_failure(line: str) -> bool:
    return any(words in line for words in _FAILURES)
