# SPDX-License-Identifier: GPL-2.0-or-later
"""The hash map of the C programs finds each key that was added, and no other."""

import subprocess
from pathlib import Path

from tests.places import ROOT
from tests.unit.timeouts import TIMEOUT


def test_a_map_finds_all_keys_and_no_other(tmp_path: Path):
    source, program = Path(__file__).parent / "map_keys.c", tmp_path / "map_keys"
    flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"]
    include = f"-I{ROOT / 'native' / 'include'}"
    subprocess.run(["gcc", *flags, include, source, "-o", program], check=True, timeout=TIMEOUT)
    done = subprocess.run([program], check=False, capture_output=True, text=True, timeout=TIMEOUT)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
