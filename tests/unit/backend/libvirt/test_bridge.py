# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's bridge helper: its list of bridges and its set-uid bit."""

import os
import subprocess
from pathlib import Path

import pytest

from famulus.backend.libvirt import bridge
from famulus.base.errors import FamulusError


@pytest.mark.parametrize(
    ("text", "joins"),
    [
        ("allow fabric_emul\n", True),
        ("# a comment\n\n  allow   fabric_emul  \n", True),
        ("allow all\n", True),
        ("", False),
        ("allow fabric_emul2\n", False),
        ("allow fabric_emul\ndeny fabric_emul\n", False),
        ("deny all\nallow fabric_emul\n", False),
        ("allow\n", False),
    ],
)
def test_bridges_that_machines_may_join(tmp_path: Path, text: str, joins: bool):
    rules = tmp_path / "bridge.conf"
    rules.write_text(text)
    assert bridge.may_join("fabric_emul", rules) is joins


def test_an_included_file_counts_even_if_it_includes_the_first(tmp_path: Path):
    rules, more = tmp_path / "bridge.conf", tmp_path / "more.conf"
    rules.write_text(f"include {more}\n")
    more.write_text(f"include {rules}\nallow fabric_emul\n")
    assert bridge.may_join("fabric_emul", rules)


def test_the_step_allows_the_bridge(tmp_path: Path):
    rules = tmp_path / "qemu" / "bridge.conf"
    step = bridge.allow_step("fabric_emul", rules)
    assert step
    subprocess.run(step.argv, check=True)
    assert rules.read_text() == "allow fabric_emul\n"
    assert bridge.allow_step("fabric_emul", rules) is None


def test_a_helper_without_the_set_uid_bit_needs_a_step(tmp_path: Path):
    helper = tmp_path / "helper"
    helper.touch(mode=0o755)
    step = bridge.set_uid_step(helper)
    assert step
    assert step.argv[-1] == str(helper)
    assert "becomes root" in step.reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a program set-uid root")
def test_a_set_uid_helper_needs_no_step(tmp_path: Path):
    helper = tmp_path / "helper"
    helper.touch()
    helper.chmod(0o4755)
    assert bridge.set_uid_step(helper) is None


def test_a_missing_helper_is_an_error_that_names_its_package(tmp_path: Path):
    with pytest.raises(FamulusError, match="is missing") as caught:
        bridge.set_uid_step(tmp_path / "helper")
    assert "qemu-system-common" in caught.value.hint
