# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus check` on real nodes: a few programs of the corpus in CI, all in a campaign."""

import csv
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from famulus.checker.rings import reader
from famulus.fabric.fabric import open_fabric
from tests.integration.cli import TIMEOUT, Cli, interrupt
from tests.integration.programs import compile_touch, install, make_examples
from tests.integration.waits import until
from tests.places import CHECKER_CORPUS

pytestmark = pytest.mark.integration

CORPUS = CHECKER_CORPUS
EXAMPLES = (  # as a user runs them in two nodes
    "./shared_counter 200",
    "./parallel_sum 2 500",
    "if [ $FAMULUS_NODE = 1 ]; then ./fabric_queue produce 60; else ./fabric_queue consume 60; fi",
    "if [ $FAMULUS_NODE = 1 ]; then ./ping_pong pong 20; else ./ping_pong ping 20; fi",
    "python3 kv.py put $FAMULUS_NODE me; python3 kv.py list",
    "[ $FAMULUS_NODE != 1 ] || ./hello_fabric",
    "[ $FAMULUS_NODE != 2 ] || ./hello_fabric_read",
)
FEW = ("mailbox_kept_copy", "list_node", "clwb_then_flag", "results", "queue", "mailbox")


def expected() -> dict[str, str]:
    with (CORPUS / "expected.csv").open(encoding="utf-8", newline="") as file:
        return dict(csv.reader(file))


@pytest.fixture(scope="module")
def checked() -> Iterator[Cli]:
    """A running fabric for `check`."""
    cli = Cli(f"checked{os.getpid()}")
    try:
        cli.ok("up", "2", "--pool", "64M", "--coherence", "none")
        yield cli
    finally:
        cli.purge()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for programs of the corpus, which `compiled` fills."""
    return tmp_path_factory.mktemp("corpus")


def compiled(folder: Path, name: str) -> Path:
    """Compile a program of the corpus on the host, as `folder`/`name`."""
    argv = ["gcc", "-g", "-O1", "-pthread", "-o", str(folder / name), str(CORPUS / f"{name}.c")]
    subprocess.run(argv, check=True)
    return folder / name


def test_ctrl_c_ends_the_program_in_all_nodes(checked: Cli) -> None:
    words = ("-c", "echo begun; sleep 305")
    process = checked.start("check", "--fabric", checked.fabric, "--", "/bin/sh", *words)
    until(process, "begun")
    interrupt(process)
    assert process.returncode == 130
    gone = "for i in $(seq 1200); do pgrep -f '[s]leep 305' || exit 0; sleep 0.1; done; exit 1"
    for node in (1, 2):
        checked.node(node, gone)
    assert "cannot be run" not in checked.ok("check", "--", "/bin/true")


def kinds(cli: Cli, program: Path, piece: int) -> set[str]:
    done = cli.run("check", "--json", "--", str(program), str(piece))
    found = json.loads(done.stdout)
    assert done.returncode == (1 if found["defects"] else 0), done.stderr
    assert set(found["exit_codes"].values()) == {0}, done.stderr
    return {defect["kind"] for defect in found["defects"]}


def verdict(cli: Cli, folder: Path, names: list[str]) -> tuple[list[str], dict[str, set[str]]]:
    """Run programs, each on its own piece of the pool; return missed defects and false alarms."""
    table = expected()
    pieces = {name: piece for piece, name in enumerate(table, 1)}
    found = {name: kinds(cli, compiled(folder, name), pieces[name]) for name in names}
    missed = [name for name in names if table[name] and table[name] not in found[name]]
    alarms = {name: those for name, those in found.items() if those and not table[name]}
    wrong = sum(bool(table[name]) for name in names)
    print(f"recall {wrong - len(missed)} of {wrong}; {len(alarms)} false alarms")
    return missed, alarms


def test_a_few_programs_get_their_verdicts(checked: Cli, programs: Path) -> None:
    assert verdict(checked, programs, list(FEW)) == ([], {})


@pytest.mark.campaign("corpus")
def test_all_programs_get_their_verdicts(checked: Cli, programs: Path) -> None:
    rest = [name for name in expected() if name not in FEW]  # a piece of the pool is used once
    assert verdict(checked, programs, rest) == ([], {})


def test_a_c_file_is_compiled_and_every_report_names_its_lines(
    checked: Cli, tmp_path: Path
) -> None:
    source = CORPUS / "log_tail_first.c"
    sarif, junit, rules = (tmp_path / name for name in ("out.sarif", "out.xml", "rules"))
    words = ("--sarif", str(sarif), "--junit", str(junit), "--", str(source), "60")
    done = checked.run("check", *words)
    assert done.returncode == 1, done.stderr
    assert "unflushed publication" in done.stdout
    assert f"in append {source}:" in done.stdout
    (run,) = json.loads(sarif.read_text(encoding="utf-8"))["runs"]
    rules_hit = {result["ruleId"] for result in run["results"]}  # a reader may see old bytes, too
    assert {"unflushed-publication"} <= rules_hit <= {"unflushed-publication", "stale-read"}
    assert int(ET.parse(junit).getroot().get("failures", "0")) == len(run["results"])
    rules.write_text("function append\n", encoding="utf-8")
    quiet = checked.run("check", "--suppressions", str(rules), "--", str(source), "61")
    assert quiet.returncode == 0, quiet.stdout


def test_a_script_is_named_by_its_lines(checked: Cli) -> None:
    done = checked.run("check", "--json", "--", str(CORPUS / "told_before_written.py"))
    assert done.returncode == 1, done.stderr
    (found,) = [
        defect
        for defect in json.loads(done.stdout)["defects"]
        if defect["kind"] == "unflushed publication"
    ]
    assert found["region"] == "told"
    for side, function, text in (
        ("first", "tell", "data().value = 42"),
        ("flag", "tell", "region.word(0).store(1)"),
        ("flag_load", "hear", "region.word(0).load()"),
        ("second", "hear", "print(data().value)"),
    ):
        place, in_c = found[side]["frames"][:2]
        assert place["file"] == str(CORPUS / "told_before_written.py")
        lines = (CORPUS / "told_before_written.py").read_text(encoding="utf-8").splitlines()
        assert (place["function"], text in lines[place["line"] - 1]) == (function, True), found[
            side
        ]
        assert in_c["function"]


@pytest.fixture(scope="module")
def examples(checked: Cli) -> Cli:
    """The same fabric, with the examples in its nodes, compiled in the first node."""
    make_examples(checked, 2)
    return checked


def test_the_examples_have_no_defects(examples: Cli) -> None:
    for script in EXAMPLES:
        words = ["check", "--timeout", "200", "--", "/bin/sh", "-c", f"cd /home/fabric; {script}"]
        assert "no defect found" in examples.ok(*words)


def test_a_trace_counts_accesses_of_nodes(examples: Cli, tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    script = "/home/fabric/shared_counter 100"
    words = ["record", str(file), "--seconds", "100", "--", "/bin/sh", "-c", script]
    examples.ok("trace", *words)
    found = json.loads(examples.ok("trace", "show", str(file), "--json"))
    counted = found["regions"]["shared_counter"]
    assert counted["locked"] >= 200
    assert counted["handovers"] >= 1
    assert set(found["nodes"]) == {"1", "2"}


CHURN = "cd /home/fabric; echo begun; ./touch churn:$((FAMULUS_NODE << 16)):4096:2000; echo stored"


def stop_the_reader(cli: Cli) -> int:
    """Stop the process that reads the nodes' events, and return its number."""
    pid = reader(open_fabric(cli.fabric).caches.stream)
    assert pid
    os.kill(pid, signal.SIGSTOP)
    return pid


@pytest.fixture(scope="module")
def churning(checked: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The same fabric, with a program in both nodes that stores more than the rings can hold."""
    install(checked, compile_touch(tmp_path_factory.mktemp("touch")), (1, 2))
    return checked


def test_a_check_waits_for_a_checker_that_is_stopped_and_says_so(churning: Cli) -> None:
    process = churning.start("check", "--", "/bin/sh", "-c", CHURN)
    until(process, "begun")
    pid = stop_the_reader(churning)
    until(process, f"the checker (process {pid}) is stopped")
    os.kill(pid, signal.SIGCONT)
    output, _ = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, "no defect found" in output) == (0, True), output


def test_a_trace_delays_no_node_and_says_what_is_lost(churning: Cli, tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    process = churning.start("trace", "record", str(file), "--", "/bin/sh", "-c", CHURN)
    until(process, "begun")
    pid = stop_the_reader(churning)
    until(process, "stored")
    until(process, "stored")
    os.kill(pid, signal.SIGCONT)
    output, _ = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, "events were lost" in output) == (0, True), output
    assert json.loads(churning.ok("trace", "show", str(file), "--json"))["lost"] > 0


def test_a_program_that_cannot_be_run_is_refused(checked: Cli) -> None:
    checked.fails("check", "--", "no-such-file", code=2, says="there is no file no-such-file")
    checked.fails("check", "--", "/no/such/file", code=2, says="cannot be run")
    checked.fails("check", code=2, says="is not checked all the time")
    missing = Cli("nobody-has-it")
    missing.fails("check", code=2, says="there is no fabric 'nobody-has-it'")


def test_a_fabric_that_a_run_makes_shares_nothing_with_one_that_stays(
    own: Cli, tmp_path: Path
) -> None:
    (tmp_path / "fabric.toml").write_text(
        'nodes = 1\npool = "64M"\npool_file = "kept.bin"\ncheck = true\n'
        'subnet = "10.9.0.0/24"\nssh_port = 43210\n'
    )
    own.cwd = tmp_path
    own.ok("up")
    own.ok("pool", "write", "0", "precious")
    temporary = Cli("", cwd=tmp_path)
    assert "no defect found" in temporary.ok("check", "--nodes", "1", "--", "/bin/true")
    assert own.ok("pool", "read", "0", "8", "--raw") == "precious"
    assert own.node(1, "hostname") == "fabric1"
    assert (tmp_path / "kept.bin").read_bytes()[:8] == b"precious"
    assert "check-" not in own.ok("list")


def test_a_program_that_hangs_is_ended_and_the_verdict_is_unknown(checked: Cli) -> None:
    done = checked.run("check", "--timeout", "3", "--", "/usr/bin/sleep", "600")
    assert done.returncode == 4
    assert "did not end in time" in done.stdout


def test_a_program_that_fails_is_no_clean_run(checked: Cli, tmp_path: Path) -> None:
    junit = tmp_path / "out.xml"
    for script, shown in (("exit 124", "node 2: 124"), ("kill -ABRT $$", "node 2: SIGABRT")):
        words = ("--junit", str(junit), "--", "/bin/sh", "-c", f"[ $FAMULUS_NODE = 1 ] || {script}")
        done = checked.run("check", *words)
        assert (done.returncode, "node 1: 0" in done.stdout) == (3, True), done.stdout
        assert shown in done.stdout
        assert ET.parse(junit).getroot().get("failures") == "1"


@pytest.mark.parametrize(("leaks", "code"), [("0", 0), ("1", 3)])
def test_a_program_with_leak_sanitizer_is_judged(
    checked: Cli, tmp_path: Path, leaks: str, code: int
) -> None:
    source, program = tmp_path / "leaks.c", tmp_path / "leaks"
    lines = [
        *("#include <stdlib.h>", "char *volatile kept;", "int main(void)", "{"),
        *("kept = malloc(9); *kept = 1;", f"if ({leaks}) kept = NULL; return 0;", "}"),
    ]
    source.write_text("\n".join(lines), encoding="utf-8")
    flags = ["-g", "-fsanitize=address", "-static-libasan"]
    subprocess.run(["gcc", *flags, "-o", program, source], check=True)
    done = checked.run("check", "--", str(program))
    assert done.returncode == code, done.stdout
    assert "fatal error" not in done.stdout
    assert ("detected memory leaks" in done.stdout) == bool(code)
