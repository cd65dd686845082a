# SPDX-License-Identifier: GPL-2.0-or-later
"""Templates and fabrics of a normal user with a private home, who was never root."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import Cli, interrupt
from tests.integration.templates import built, check_node, finished, nothing_runs
from tests.integration.users import be_id, be_user, normal_user
from tests.integration.waits import until
from tests.places import ROOT, folder_for_others

pytestmark = pytest.mark.integration

PARTITION = 2048 * 512  # bytes from the start of the disk


class UserCli(Cli):
    """The command `famulus` of another user, with a Python that this user may run."""

    def __init__(self, fabric: str, env: dict[str, str], *, cwd: Path, user: str) -> None:
        super().__init__(fabric, env, cwd)
        self.user = user
        self.home = Path(env["FAMULUS_HOME"])
        places = [str(ROOT / "src"), *(path for path in sys.path if "site-packages" in path)]
        self.env |= {"PYTHONPATH": ":".join(places), "PYTHONDONTWRITEBYTECODE": "1"}
        self.env |= {"HOME": str(cwd), "USER": user, "LOGNAME": user}
        self.find_python()

    def find_python(self) -> None:
        self.python = next(filter(self._can_run, (sys.executable, "/usr/bin/python3")), "")
        if not self.python:
            pytest.skip("no Python with the packages that a normal user may run")

    def _can_run(self, python: str) -> bool:
        argv = [*self.become(), python, "-c", "import famulus.cli.main"]
        done = subprocess.run(argv, env=self.environment(), capture_output=True, check=False)
        return done.returncode == 0

    def become(self) -> list[str]:
        return be_user(self.user)

    def argv(self, *words: str) -> list[str]:
        return [*self.become(), self.python, "-m", "famulus", *words]


class NamelessCli(UserCli):
    """The command `famulus` of a user id without an entry in the password file, without HOME."""

    def become(self) -> list[str]:
        return be_id(int(self.user))

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        for name in ("HOME", "USER", "LOGNAME"):
            del environment[name]
        return environment


@pytest.fixture
def user() -> Iterator[UserCli]:
    """The command line of a normal user."""
    name = f"famulus-t{os.getpid() % 10000}"
    with normal_user(name) as home:
        yield UserCli("rootless", {"FAMULUS_HOME": str(home / "famulus")}, cwd=home, user=name)


@pytest.fixture
def nameless(own: Cli) -> Iterator[NamelessCli]:
    """The command line of a user id without a name, in a home with root's template."""
    if os.geteuid() != 0:
        pytest.skip("only root can take another user id")
    number, template = 700_000_000 + os.getpid(), built(own)
    with folder_for_others() as folder:
        home = folder / "home"
        copy = home / "templates" / template.name
        copy.parent.mkdir(parents=True)
        subprocess.run(["cp", "--recursive", "--sparse=always", template, copy], check=True)
        subprocess.run(["chown", "--recursive", f"{number}:{number}", home], check=True)
        cli = NamelessCli(own.fabric, {"FAMULUS_HOME": str(home)}, cwd=folder, user=str(number))
        try:
            yield cli
        finally:
            cli.purge()


def scratch_folders() -> set[Path]:
    """Return the folders where mapped users unpack: no user can remove them with rm."""
    return set(Path("/tmp").glob("famulus-build-*"))


def owners(disk: Path, path: str) -> str:
    """Return mode, owner and group of `path` on `disk`."""
    argv = ["debugfs", "-R", f"stat {path}", f"{disk}?offset={PARTITION}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    words = done.stdout.split()
    return " ".join(words[words.index(key) + 1] for key in ("Mode:", "User:", "Group:"))


@pytest.mark.parametrize("moment", ["downloading packages", "extracting archives"])
def test_ctrl_c_leaves_nothing(user: UserCli, moment: str) -> None:
    before = scratch_folders()
    with user.start("template", "build", "--verbose") as process:
        until(process, moment)
        assert scratch_folders() > before
        interrupt(process)
    assert process.returncode == 130
    assert scratch_folders() == before
    assert finished(user.home) == []
    nothing_runs(user.home)


def test_prune_removes_a_killed_build(user: UserCli) -> None:
    before = scratch_folders()
    with user.start("template", "build", "--verbose") as process:
        until(process, "extracting archives")
        os.kill(process.pid, signal.SIGKILL)
    nothing_runs(user.home, *(scratch_folders() - before))
    assert user.ok("template", "prune").startswith("freed ")
    assert scratch_folders() == before
    assert finished(user.home) == []


@pytest.mark.campaign("template")
def test_a_template_of_a_normal_user_equals_roots(user: UserCli, own: Cli) -> None:
    """A template built in a user namespace has the owners and modes of root's."""
    before = scratch_folders()
    try:
        user.ok("up", "1", "--pool", "64M")
        check_node(user)
        mine, roots = built(user), built(own)
    finally:
        user.purge()
    assert scratch_folders() == before
    assert mine.name == roots.name
    for path in ("/home/fabric", "/etc/shadow", "/usr/bin/sudo", "/usr/bin/ping", "/var/log/apt"):
        assert owners(mine / "disk.img", path) == owners(roots / "disk.img", path), path
    assert owners(mine / "disk.img", "/home/fabric").endswith("1000 1000")


def test_a_user_id_without_a_name_runs_nodes(nameless: NamelessCli) -> None:
    nameless.ok("up", "1", "--cold", "--pool", "64M")
    assert nameless.node(1, "hostname") == "fabric1"
    assert nameless.ok("exec", "1", "--", "hostname") == "fabric1 | fabric1\n"
    assert "has no name" in nameless.ok("doctor")
    home = nameless.env.pop("FAMULUS_HOME")
    nameless.fails("up", "1", code=2, says="set HOME, or FAMULUS_HOME")
    nameless.env["FAMULUS_HOME"] = home
