# SPDX-License-Identifier: GPL-2.0-or-later
"""The trial of KVM, with a script in the place of QEMU that prints what QEMU printed."""

from pathlib import Path

import pytest

from famulus.backend.machine import PROGRAM
from famulus.backend.qemu import kvm_trial
from famulus.base.waiting import wait_until

KERNEL, INITRD = Path("/t/vmlinuz"), Path("/t/initrd")
PANIC = "[    4.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"


@pytest.fixture
def qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Let QEMU be a script; return the file into which the script writes its arguments."""

    def install(script: str) -> Path:
        program, arguments = tmp_path / PROGRAM, tmp_path / "arguments"
        program.write_text(f'#!/bin/sh\necho "$@" > {arguments}\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return arguments

    return install


def test_a_kernel_that_ends_in_its_panic_has_booted(qemu):
    arguments = qemu(f"echo SeaBIOS; echo '[    0.0] Linux version 6'; echo '{PANIC}'; sleep 600")
    assert kvm_trial.obstacle(KERNEL, INITRD) == ""
    words = arguments.read_text()
    assert "-accel kvm -cpu host" in words
    assert "-kernel /t/vmlinuz -initrd /t/initrd" in words


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'KVM internal error. Suberror: 1'; sleep 600", "KVM internal error. Suberror: 1"),
        (
            "echo 'qemu: error: failed to set MSR 0x48 to 0x1' >&2; kill -ABRT $$",
            "qemu: error: failed to set MSR 0x48 to 0x1",
        ),
        ("exit 1", "the kernel does not get on"),
    ],
)
def test_a_failure_has_qemus_words(qemu, script: str, words: str):
    qemu(script)
    assert kvm_trial.obstacle(KERNEL, INITRD) == words


def test_a_kernel_without_progress_is_ended(qemu, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(kvm_trial, "TIMEOUT", 0.5)
    pid = tmp_path / "pid"
    qemu(f"echo $$ > {pid}; echo SeaBIOS; sleep 600")
    assert kvm_trial.obstacle(KERNEL, INITRD) == "the kernel does not get on"
    if pid.exists():
        process = Path("/proc") / pid.read_text().strip()
        wait_until("its end", lambda: not process.exists(), timeout=60)
