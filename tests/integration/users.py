# SPDX-License-Identifier: GPL-2.0-or-later
"""Normal users for tests that root runs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from famulus.base.waiting import wait_until
from tests.integration.cli import TIMEOUT
from tests.places import ROOT


@contextmanager
def normal_user(name: str) -> Iterator[Path]:
    """Yield the private home of a new user with subordinate ids; the user is removed afterwards."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a user")
    if Path("/proc/sys/user/max_user_namespaces").read_text().strip() == "0":
        pytest.skip("user namespaces are switched off here")
    subprocess.run(["useradd", "--create-home", name], check=True)
    home = Path("/home") / name
    try:
        home.chmod(0o700)
        for kind in ("subuid", "subgid"):
            if f"{name}:" not in Path("/etc", kind).read_text():
                subprocess.run(["usermod", f"--add-{kind}s", "7000000-7065535", name], check=True)
        yield home
    finally:
        wait_until("its processes to end", lambda: not _has_processes(name), timeout=TIMEOUT)
        subprocess.run(["userdel", "--remove", name], check=True)


def _has_processes(name: str) -> bool:
    return subprocess.run(["pgrep", "-u", name], check=False, capture_output=True).returncode == 0


def be_user(name: str) -> list[str]:
    """Return the words that run the rest of a command line as the user `name`."""
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", "--"]


def be_id(number: int) -> list[str]:
    """Return the words that run the rest of a command line as a user id without an entry."""
    return ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", "--"]


def make_environment(folder: Path) -> Path:
    """Make a Python environment with Famulus in `folder`, and return its Python.

    The environment of the tests may stand on a Python in root's home, which no other user can run.
    """
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", folder], check=True)
    places = [str(ROOT / "src"), *(path for path in sys.path if "site-packages" in path)]
    for packages in folder.glob("lib/python3*/site-packages"):
        (packages / "famulus.pth").write_text("\n".join(places) + "\n", encoding="utf-8")
    return folder / "bin" / "python"
