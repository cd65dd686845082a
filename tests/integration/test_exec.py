# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands in nodes: their words, their input and output, and the end of their node."""

import os
import signal
import subprocess

import pytest

from famulus.state.folder import FabricFolder
from tests.integration.cli import TIMEOUT, Cli
from tests.integration.waits import until, wait

pytestmark = pytest.mark.integration


def as_bytes(cli: Cli, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run `famulus WORDS` and return its output as bytes."""
    return subprocess.run(
        cli.argv(*words),
        env=cli.environment(),
        input=stdin,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )


def kill_qemu(cli: Cli, number: int) -> None:
    """Kill a node's QEMU with -9, unknown to famulus."""
    os.kill(cli.status()["nodes"][number - 1]["pid"], signal.SIGKILL)


def test_several_words_are_arguments_and_a_single_word_is_a_line(two: Cli) -> None:
    assert two.ok("exec", "1", "--", "sh", "-c", "cd /tmp && pwd") == "fabric1 | /tmp\n"
    assert two.ok("exec", "1", "--", "echo", "$HOME", "a  b", "'") == "fabric1 | $HOME a  b '\n"
    assert two.ok("exec", "1", "--", "cd /tmp && pwd") == "fabric1 | /tmp\n"
    assert two.ok("ssh", "1", "--", "echo", "$HOME") == "/home/fabric\n"


def test_a_command_in_a_single_node_reads_standard_input(two: Cli) -> None:
    assert two.ok("exec", "1", "--", "cat", stdin="words\n") == "fabric1 | words\n"
    assert two.ok("exec", "1", "-n", "--", "cat", stdin="words\n") == ""
    assert two.ok("ssh", "1", "-n", "--", "cat", stdin="words\n") == ""
    assert two.ok("exec", "all", "--", "cat", stdin="words\n") == ""


def test_large_input_and_any_bytes_pass_unchanged(two: Cli) -> None:
    sent = os.urandom(2_000_000).replace(b"\n", b"\r")
    done = as_bytes(two, "exec", "1", "--", "cat", stdin=sent + b"\n")
    parts = done.stdout.split(b"\n")  # a line of more than 1 MiB comes in parts
    assert b"".join(part.removeprefix(b"fabric1 | ") for part in parts) == sent


def test_errors_stay_on_standard_error(two: Cli) -> None:
    done = as_bytes(two, "exec", "all", "--", r"printf '\377\n'; echo wrong >&2; exit 3")
    assert done.returncode == 3
    assert sorted(done.stdout.splitlines()) == [b"fabric1 | \xff", b"fabric2 | \xff"]
    assert sorted(done.stderr.splitlines()) == [b"fabric1 | wrong", b"fabric2 | wrong"]


def test_two_at_once_print_nothing_of_their_own(two: Cli) -> None:
    """Both find no shared connection, as after a minute of silence."""
    config = two.ok("ssh-config", "--path").strip()
    master = FabricFolder(two.fabric).sockets / "ssh-fabric-fabric1"
    two.command(["ssh", "-F", config, "-O", "exit", "fabric1"])
    wait(lambda: not master.exists())
    both = [two.start("exec", "1", "--", "echo words; sleep 3") for _ in range(2)]
    assert [one.communicate(timeout=TIMEOUT)[0] for one in both] == ["fabric1 | words\n"] * 2
    assert [one.returncode for one in both] == [0, 0]


def test_a_command_ends_in_all_nodes_with_its_reader(two: Cli) -> None:
    process = two.start("exec", "all", "--", "yes")
    until(process, "fabric1 | y")
    assert process.stdout
    process.stdout.close()
    assert process.wait(TIMEOUT) == 1
    wait(lambda: all(two.run("exec", node, "--", "pgrep -x yes").returncode == 1 for node in "12"))


def test_a_node_that_ends_is_named_and_a_paused_one_goes_on(two: Cli) -> None:
    two.node(2, "truncate -s 7G large")
    everywhere = "echo begun; until [ -e go ]; do sleep 0.2; done; hostname"
    process = two.start("exec", "all", "--", everywhere)
    seen = until(process, "begun")
    seen += until(process, "begun")
    login = two.start("ssh", "2", "--", "echo begun; sleep 3000")
    until(login, "begun")
    copy = two.start("cp", "2:large", "/dev/null")
    wait(lambda: two.run("ssh", "2", "--", "pgrep sftp-server").returncode == 0)
    two.ok("node", "pause", "1")
    kill_qemu(two, 2)
    for alone in (login, copy):
        assert "error: fabric2 has ended" in alone.communicate(timeout=TIMEOUT)[0]
        assert alone.returncode == 1
    seen += until(process, "fabric2 | famulus: the node has ended")
    two.ok("node", "resume", "1")
    two.node(1, "touch go")
    seen += process.communicate(timeout=TIMEOUT)[0]
    assert "fabric1 | fabric1\n" in seen
    assert process.returncode == 255
    two.ok("up")
