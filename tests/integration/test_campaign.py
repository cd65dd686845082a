# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests that take too long for CI: a full fabric, an idle hour, many kills. `make campaign`."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.integration.cli import Cli

pytestmark = pytest.mark.integration

SILENCE = 3600  # seconds

SERVE = """
import socket
server = socket.create_server(("", 5555))
connection = server.accept()[0]
while data := connection.recv(100):
    connection.sendall(data)
"""

ASK = f"""
import socket, time
connection = socket.create_connection(("fabric1", 5555))
connection.settimeout(30)
for wait in (0, {SILENCE}):
    time.sleep(wait)
    connection.sendall(b"are you there?")
    assert connection.recv(100) == b"are you there?"
print("still connected")
"""


@pytest.mark.campaign("nodes")
def test_sixty_four_nodes(own: Cli) -> None:
    own.ok("up", "64", "--memory", "256M", "--pool", "64M", timeout=3000)
    assert own.states() == ["running"] * 64
    names = {line.split(" | ")[1] for line in own.ok("exec", "all", "--", "hostname").splitlines()}
    assert names == {f"fabric{number}" for number in range(1, 65)}
    assert own.node(64, "ssh -o BatchMode=yes fabric1 hostname") == "fabric1"
    own.ok("down", timeout=3000)
    assert own.processes() == []


RANDOM = """
import os
print(open("/dev/urandom", "rb").read(32).hex(), os.getrandom(32).hex())
"""


@pytest.mark.campaign("nodes")
def test_sixteen_clones_draw_different_random_numbers(own: Cli) -> None:
    own.ok("up", "16", "--pool", "64M")
    drawn = own.ok("exec", "all", "--", f"python3 -c '{RANDOM}'").split()
    numbers = [word for word in drawn if len(word) == 64]
    assert len(set(numbers)) == len(numbers) == 32


@pytest.mark.campaign("nodes")
def test_a_template_built_anew_while_clones_run(own: Cli, tmp_path: Path) -> None:
    own.ok("up", "1", "--pool", "64M")
    before = own.status()["nodes"][0]["pid"]
    (tmp_path / "fabric.toml").write_text('packages = ["hello"]\n')
    other = Cli(f"{own.fabric}x", cwd=tmp_path)
    other.ok("template", "build")
    other.ok("template", "prune")
    other.ok("snapshot", "prune")
    assert own.status()["nodes"][0]["pid"] == before
    assert "GNU/Linux" in own.node(1, "sudo sh -c 'echo 3 > /proc/sys/vm/drop_caches'; uname -a")
    own.ok("node", "reset", "1")
    assert own.node(1, "hostname") == "fabric1"


@pytest.mark.campaign("silence")
def test_a_connection_survives_an_hour_of_silence(own: Cli) -> None:
    own.ok("up", "2", "--pool", "64M")
    own.ok("ssh", "1", "--", "cat > serve.py", stdin=SERVE)
    own.ok("ssh", "2", "--", "cat > ask.py", stdin=ASK)
    own.node(1, "nohup python3 serve.py > /dev/null 2>&1 < /dev/null & sleep 5")
    asking = own.start("ssh", "2", "--", "python3 ask.py")
    assert asking.communicate(timeout=SILENCE + 300)[0].strip() == "still connected"


@pytest.mark.campaign("kills")
@pytest.mark.parametrize("seed", range(20))
def test_famulus_killed_at_any_moment(own: Cli, seed: int) -> None:
    chance = random.Random(seed)
    for verb in (("up", "2", "--pool", "64M"), ("down",), ("up", "1"), ("node", "stop", "1")):
        process = own.start(*verb)
        time.sleep(chance.uniform(0, 12))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    own.ok("up", "2", "--pool", "64M")
    assert own.states() == ["running"] * 2
    assert own.node(2, "ssh -o BatchMode=yes fabric1 hostname") == "fabric1"
    own.ok("down", "--purge")
    assert own.processes() == []
