# SPDX-License-Identifier: GPL-2.0-or-later
"""A full fabric with a doorbell, whose nodes count together: `make campaign`."""

import pytest

from tests.integration.cli import Cli

pytestmark = [pytest.mark.integration, pytest.mark.campaign("doorbell")]

MILLION = 1_000_000

# A program goes to all nodes through the pool.
GIVE = """
from famulus_guest import Pool
program = open("shared_counter", "rb").read()
Pool().create("program", len(program)).write(0, program)
"""
FETCH = """
import os
from famulus_guest import Pool
region = Pool().open("program")
open("/tmp/shared_counter", "wb").write(region.read(0, region.size))
os.chmod("/tmp/shared_counter", 0o755)
"""

# The last node to come rings all waiting nodes.
MEET = """
from famulus_guest import Pool
pool = Pool()
assert pool.has_doorbell
pool.obtain("meet", 4096).barrier(0, 64).wait(600)
print("met", pool.node)
"""


def counted(cli: Cli, nodes: str, times: int) -> int:
    """Let so many nodes add so often to a new counter, and return where it ends."""
    cli.node(1, "python3 -m famulus_guest rm shared_counter || true")
    cli.ok("exec", nodes, "--", f"/tmp/shared_counter {times}", timeout=1800)
    shown = cli.node(1, "/tmp/shared_counter 0")
    return int(shown.rsplit(" ", 1)[1])


def test_sixty_four_nodes_with_a_doorbell(own: Cli) -> None:
    own.ok("up", "64", "--memory", "256M", "--pool", "64M", "--doorbell", timeout=3000)
    own.node(1, "make -s shared_counter")
    own.node(1, f"python3 -c '{GIVE}'")
    own.ok("exec", "all", "--", f"python3 -c '{FETCH}'", timeout=1800)
    assert counted(own, "1-2", MILLION) == 2 * MILLION
    assert counted(own, "1-8", MILLION) == 8 * MILLION
    assert counted(own, "all", MILLION // 64) == MILLION
    shown = own.ok("exec", "all", "--", f"python3 -c '{MEET}'", timeout=1800)
    assert {int(line.split()[-1]) for line in shown.splitlines()} == set(range(1, 65))
    own.ok("down", timeout=3000)
    assert own.processes() == []
