# SPDX-License-Identifier: GPL-2.0-or-later
"""A command in several nodes: sh instead of ssh, and a process of this host for each QEMU."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import Mock

import pytest

from famulus.base.session import Stream
from famulus.base.waiting import wait_until
from famulus.fabric import execute as module
from famulus.fabric.execute import GONE, execute, line_of
from famulus.fabric.hooks import NO_HOOKS
from tests.unit.base.test_run import gone

Printed = list[tuple[int, Stream, bytes]]
TIMEOUT = 60.0  # seconds


@pytest.fixture
def qemus() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two processes that stand for the QEMUs of two nodes."""
    with ExitStack() as stack:
        made = [stack.enter_context(subprocess.Popen(["sleep", "1000"])) for _ in range(2)]
        for process in made:
            stack.callback(process.kill)
        yield made


@pytest.fixture
def nodes(
    qemus: list[subprocess.Popen[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[Mock]:
    """Two nodes; their commands run on this host, with the node's number as `$1`."""

    def login(_config, name, _user, words, **_options):
        return ["sh", "-c", words[0], "sh", name.removeprefix("fabric")]

    monkeypatch.setattr("famulus.transport.ssh.login", login)
    made = []
    for number, qemu in enumerate(qemus, 1):
        node = Mock(number=number)
        node.name = f"fabric{number}"
        node.runner.pid.return_value = qemu.pid
        node.folder.sockets = tmp_path
        node.running.return_value = True
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


def test_a_node_that_ends_is_named_and_the_other_one_goes_on(nodes, qemus, tmp_path):
    def end(_stream: Stream, words: bytes) -> None:
        if words == b"begun 2":
            qemus[1].kill()
        if words == module.ENDED:
            (tmp_path / "go").touch()

    line = f"echo begun $1; until [ -e {tmp_path}/go ] && [ $1 = 1 ]; do sleep 0.1; done; echo done"
    codes, printed = executed(nodes, line, end)
    assert codes == {1: 0, 2: GONE}
    assert (2, Stream.ERR, module.ENDED) in printed
    assert (1, Stream.OUT, b"done") in printed
    assert (2, Stream.OUT, b"begun 2") in printed


def test_a_node_that_has_ended_before_is_named(nodes, qemus):
    qemus[0].kill()
    qemus[0].wait()
    codes, _ = executed(nodes, "[ $1 = 2 ] || exec sleep 1000")
    assert codes == {1: GONE, 2: 0}


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
