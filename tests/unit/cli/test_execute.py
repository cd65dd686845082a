# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus exec`: the words that reach the nodes, standard input, and how lines are printed."""

import os
import pty
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from famulus.base import stdin
from famulus.base.session import Stream
from famulus.cli import execute
from famulus.cli.main import main

OUT, ERR = Stream.OUT, Stream.ERR


@pytest.fixture
def fabric(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """A fabric of two nodes."""
    nodes = [Mock(number=1), Mock(number=10)]
    for node in nodes:
        node.name = f"fabric{node.number}"
    opened = Mock()
    opened.select.side_effect = lambda text: nodes if text == "all" else nodes[:1]
    monkeypatch.setattr(execute, "open_fabric", lambda _name: opened)
    return opened


def run(
    monkeypatch: pytest.MonkeyPatch,
    *words: str,
    prints: tuple[tuple[int, Stream, bytes], ...] = (),
    codes: dict[int, int] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Run `famulus exec WORDS`; return the exit code and what reaches the nodes.

    Meanwhile, nodes print: the place of a node, the stream and the line.
    """
    reached: dict[str, Any] = {}

    def in_nodes(_fabric, nodes, line, on_line, _hooks, *, user, feed):
        reached.update(line=line, user=user, feed=feed)
        for place, stream, printed in prints:
            on_line(nodes[place], stream, printed)
        return codes or {}

    monkeypatch.setattr(execute, "run_in_nodes", in_nodes)
    monkeypatch.setattr(sys, "argv", ["famulus", "exec", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0), reached


@pytest.mark.usefixtures("fabric")
@pytest.mark.parametrize(
    ("words", "line"),
    [(["sh", "-c", "cd /tmp && ls"], "sh -c 'cd /tmp && ls'"), (["a && b"], "a && b")],
)
def test_several_words_are_arguments(monkeypatch, words, line):
    assert run(monkeypatch, "1", "--", *words)[1]["line"] == line


@pytest.mark.usefixtures("fabric")
@pytest.mark.parametrize("words", [[], [""], ["  "]])
def test_a_missing_command_is_refused(monkeypatch, capsys, words):
    assert run(monkeypatch, "1", "--", *words) == (2, {})
    assert "no command to run" in capsys.readouterr().err


@pytest.mark.usefixtures("fabric")
@pytest.mark.parametrize(
    ("options", "feed"),
    [(["1"], True), (["all"], False), (["1", "-n"], False), (["-n", "1"], False)],
)
def test_only_a_single_node_reads_standard_input(monkeypatch, options, feed):
    monkeypatch.setattr(execute, "is_readable", lambda: True)
    assert run(monkeypatch, *options, "--", "cat")[1]["feed"] is feed


@pytest.mark.usefixtures("fabric")
def test_an_option_of_the_command_is_not_ours(monkeypatch):
    assert run(monkeypatch, "1", "--", "tail", "-n", "1")[1] == {
        "line": "tail -n 1",
        "user": None,
        "feed": stdin.is_readable(),
    }


@pytest.mark.usefixtures("fabric")
def test_lines_begin_with_the_node_and_keep_their_bytes_and_streams(monkeypatch, capfdbinary):
    prints = ((0, OUT, b"\xff\x1b[1m"), (1, ERR, b"wrong\r"), (0, OUT, b""))
    with Path("/dev/fd/1").open("w") as out, Path("/dev/fd/2").open("w") as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        code, _ = run(monkeypatch, "all", "--", "x", prints=prints, codes={1: 0, 10: 7})
    assert code == 7
    assert capfdbinary.readouterr() == (
        b"fabric1  | \xff\x1b[1m\nfabric1  | \n",
        b"fabric10 | wrong\r\n",
    )


def test_a_terminal_of_another_job_is_not_read(monkeypatch):
    leader, follower = pty.openpty()
    before = os.dup(0)
    os.dup2(follower, 0)
    try:
        assert not stdin.is_readable()  # the terminal is not that of this session
        monkeypatch.setattr(os, "tcgetpgrp", lambda _fd: os.getpgrp())
        assert stdin.is_readable()
    finally:
        os.dup2(before, 0)
        for fd in (before, leader, follower):
            os.close(fd)


def test_a_closed_standard_input_is_not_read():
    before = os.dup(0)
    os.close(0)
    try:
        assert not stdin.is_readable()
    finally:
        os.dup2(before, 0)
        os.close(before)
