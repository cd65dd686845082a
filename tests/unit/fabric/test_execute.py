# SPDX-License-Identifier: GPL-2.0-or-later
"""A command in several nodes: sh instead of ssh."""

from collections.abc import Callable
from unittest.mock import Mock

import pytest

from famulus.base.session import Stream
from famulus.base.waiting import wait_until
from famulus.fabric.execute import execute, line_of
from famulus.fabric.hooks import NO_HOOKS
from tests.unit.base.test_run import gone

Printed = list[tuple[int, Stream, bytes]]
TIMEOUT = 60.0  # seconds


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> list[Mock]:
    """Two nodes; their commands run on this host, with the node's number as `$1`."""

    def login(_config, name, _user, words, **_options):
        return ["sh", "-c", words[0], "sh", name.removeprefix("fabric")]

    monkeypatch.setattr("famulus.transport.ssh.login", login)
    made = []
    for number in (1, 2):
        node = Mock(number=number)
        node.name = f"fabric{number}"
        made.append(node)
    return made


def executed(
    nodes: list[Mock], line: str, on_line: Callable[[Stream, bytes], None] = lambda *_: None
) -> tuple[dict[int, int], Printed]:
    """Run `line` in both nodes; return the exit codes and the printed lines."""
    printed: Printed = []

    def keep(node, stream: Stream, words: bytes) -> None:
        printed.append((node.number, stream, words))
        on_line(stream, words)

    return execute(Mock(), nodes, line, keep, NO_HOOKS), printed


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["uptime"], "uptime"),
        (["cd /tmp && ls"], "cd /tmp && ls"),
        (["sh", "-c", "cd /tmp && ls"], "sh -c 'cd /tmp && ls'"),
        (["echo", "$HOME", "a  b", ""], "echo '$HOME' 'a  b' ''"),
    ],
)
def test_words_are_arguments_and_a_word_is_a_line(words, line):
    assert line_of(words) == line


def test_each_node_has_its_exit_code_and_its_lines(nodes):
    codes, printed = executed(nodes, "echo out $1; echo err $1 >&2; exit $1")
    assert codes == {1: 1, 2: 2}
    assert set(printed) == {
        (number, stream, b"%s %d" % (words, number))
        for number in (1, 2)
        for stream, words in ((Stream.OUT, b"out"), (Stream.ERR, b"err"))
    }


def test_without_a_reader_the_command_ends_in_all_nodes(nodes, tmp_path):
    def listen(_stream: Stream, words: bytes) -> None:
        if words == b"1":
            wait_until("node 2", (tmp_path / "2").exists, timeout=TIMEOUT)
            raise BrokenPipeError

    line = (
        f"echo $$ > {tmp_path}/part$1; mv {tmp_path}/part$1 {tmp_path}/$1; echo $1; exec sleep 1000"
    )
    with pytest.raises(BrokenPipeError):
        executed(nodes, line, listen)
    assert all(gone(int((tmp_path / number).read_text())) for number in ("1", "2"))
