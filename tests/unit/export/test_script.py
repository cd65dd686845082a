# SPDX-License-Identifier: GPL-2.0-or-later
"""fabric_emulation.bash, against a golden file that a person has read and a shell has run."""

import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from famulus.export.script import Nodes, invocation_script
from tests.places import GOLDEN, folder_for_others

SCRIPT = GOLDEN / "fabric_emulation.bash"
NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
NODES = Nodes(
    number=4,
    folder=Path("/srv/fam"),
    memory=512 << 20,
    cpus=1,
    pool_file=Path("/dev/shm/fabric_em"),
    pool_size=1 << 30,
    network="fabric_emul",
    bridge="fabric_emul",
    subnet=IPv4Network("192.168.42.0/24"),
    helper=Path("/usr/lib/qemu/qemu-bridge-helper"),
)


def script(folder: Path, nodes: Nodes = NODES) -> Path:
    path = folder / "fabric_emulation.bash"
    path.write_text(invocation_script(nodes, NOW), encoding="utf-8")
    return path


def run(
    path: Path, *words: str, user: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(path), *words],
        capture_output=True,
        text=True,
        check=False,
        user=user,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(path.parent), **env},
    )


def test_the_script_is_the_golden_one():
    assert invocation_script(NODES, NOW) == SCRIPT.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", ["/srv/fam", "/a b/it's"])
def test_shellcheck_finds_no_defect(tmp_path: Path, folder: str):
    path = script(tmp_path, replace(NODES, folder=Path(folder)))
    subprocess.run(["shellcheck", path], check=True)


@pytest.mark.parametrize("word", ["0", "5", "x", "-1", "1-2", "start"])
def test_a_word_that_names_no_node_is_refused(tmp_path: Path, word: str):
    done = run(script(tmp_path), word)
    assert done.returncode == 1
    assert done.stderr == f"Error: there is no node '{word}'; the nodes are 1 to 4\n"


def test_without_a_bridge_nothing_is_started(tmp_path: Path):
    done = run(script(tmp_path, replace(NODES, bridge="no-such-bridge")))
    assert done.returncode == 1
    assert "there is no bridge no-such-bridge; 'virsh net-start fabric_emul'" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_pool_of_another_user_is_named():
    with folder_for_others() as folder:
        pool = folder / "pool"
        pool.touch(mode=0o600)
        path = script(folder, replace(NODES, bridge="lo", pool_file=pool, helper=Path("/bin/su")))
        runtime = folder / "run"
        runtime.mkdir()
        shutil.chown(runtime, "nobody")
        done = run(path, user="nobody", XDG_RUNTIME_DIR=str(runtime))
    assert done.returncode == 1
    assert f"the pool {pool} belongs to root; remove it" in done.stderr


def test_stopping_a_stopped_node_is_no_error(tmp_path: Path):
    done = run(script(tmp_path), "stop", "2")
    assert (done.returncode, done.stdout) == (0, "fabric2 is off\n")


def test_the_number_of_another_process_is_not_trusted(tmp_path: Path):
    path = script(tmp_path)
    folder = tmp_path / f"fabric_emulation-{Nodes.mark_of(NODES.folder)}"
    folder.mkdir(mode=0o700)
    (folder / "fabric1.pid").write_text("1\n")
    assert run(path, "stop", "1").stdout == "fabric1 is off\n"
