# SPDX-License-Identifier: GPL-2.0-or-later
"""Pings between nodes that count each answer."""

import re

from tests.integration.cli import Cli


def check_ping(cli: Cli, node: int, peer: str, count: int) -> None:
    """Check that each of `count` pings from `node` to `peer` has exactly one answer, unharmed.

    With `-w`, ping waits for late answers: a busy host loses none, but may take seconds.
    """
    shown = cli.node(node, f"ping -c {count} -i 0.4 -w 120 {peer}")
    answers = [int(number) for number in re.findall(r"icmp_seq=([0-9]+) ", shown)]
    assert answers == list(range(1, count + 1)), shown
    assert "DUP!" not in shown
    assert "wrong data" not in shown
