# SPDX-License-Identifier: GPL-2.0-or-later
"""From the analyser's output to reports: names, suppressions, text, SARIF, JUnit."""

import base64
import json
import struct
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from famulus.base.errors import UsageError
from famulus.checker.code.elf import Elf
from famulus.checker.code.instructions import decode
from famulus.checker.code.lines import parse_frames
from famulus.checker.code.polling import Function
from famulus.checker.code.processes import parse_marked, parse_process
from famulus.checker.code.symbols import Symbols
from famulus.checker.report import suppress
from famulus.checker.report.junit import junit
from famulus.checker.report.model import (
    KINDS,
    End,
    Event,
    Frame,
    Report,
    merged,
    parse_defect,
    parse_end,
)
from famulus.checker.report.sarif import sarif
from famulus.checker.report.text import lines_of

PROCESS = """\
mailbox
555555554000-555555555000 r--p 00000000 fe:00 41   /tmp/mail box
555555555000-555555556000 r-xp 00001000 fe:00 41   /tmp/mail box
7ffff7c00000-7ffff7c28000 r--p 00000000 fe:00 77   /usr/lib/libc.so.6 (deleted)
7ffff7fc0000-7ffff7fc4000 r--p 00000000 00:00 0    [vvar]
"""
SEGMENTS = ((0x0, 0x0, 0x628), (0x1000, 0x2000, 0x175))  # offset in the file, address, size
FRAMES = """\
0x0000000000002010
push
/src/queue.h:9
main
/src/mailbox.c:12 (discriminator 2)
0x0000000000002020
memcpy
??:?
0x0000000000002028
_mm_clflush
/usr/lib/gcc/x86_64-linux-gnu/12/include/emmintrin.h:1522
push
/src/queue.h:11
0x0000000000002030
??
??:0
"""
POLL = bytes.fromhex(
    "488b4708"  # 0x1139: mov 0x8(%rdi),%rax
    "4885c0"  # 0x113d: test %rax,%rax
    "7506"  # 0x1140: jne 0x1148
    "660fae3f"  # 0x1142: clflushopt (%rdi)
    "ebf1"  # 0x1146: jmp 0x1139
    "488b4710"  # 0x1148: mov 0x10(%rdi),%rax
    "c3"  # 0x114c: ret
)
FLUSH, PAUSE = bytes.fromhex("660fae3f"), bytes.fromhex("f3909090")  # PAUSE: pause; nop; nop


def elf() -> bytes:
    """Return the headers of an ELF file with SEGMENTS and without sections, see elf(5)."""
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)  # 64-bit, little-endian, version 1
    sizes = (64, 56, len(SEGMENTS), 64, 0, 0)  # of the headers, and how many
    header = struct.pack("<16sHHIQQQI6H", ident, 3, 62, 1, 0, 64, 0, 0, *sizes)
    load, executable = 1, 5
    return header + b"".join(
        struct.pack("<IIQQQQQQ", load, executable, offset, address, address, size, size, 0x1000)
        for offset, address, size in SEGMENTS
    )


def event(node: int, what: str, seq: int, pc: int = 0x555555555010) -> dict[str, object]:
    return {
        "what": what,
        "node": node,
        "space": 4096,
        "thread": 1,
        "pc": pc,
        "offset": 64,
        "size": 8,
        "value": 42,
        "seq": seq,
    }


PRINTED = {
    "kind": "stale read",
    "count": 2,
    "line": 64,
    "note": "why",
    "bytes": [[64, 8]],
    "first": event(1, "store", 10),
    "second": event(2, "load", 14),
    "flag": event(1, "store", 11),
    "flag_load": event(2, "load", 13),
    "flush": event(1, "clwb", 12),
}


def named():
    defect = parse_defect(PRINTED)
    frames = (Frame("push", "/src/queue.h", 9), Frame("main", "/src/mailbox.c", 12))
    events = {name: replace(e, frames=frames) for name, e in defect.events.items()}
    return replace(defect, events=events, region="mail")


@pytest.mark.parametrize(
    ("text", "end", "code", "shown"),
    [
        ("exit 0", End("exit", 0), 0, "0"),
        ("exit 124", End("exit", 124), 124, "124"),
        ("signal 11", End("signal", 11), 139, "SIGSEGV"),
        ("signal 63", End("signal", 63), 191, "signal 63"),
        ("time-out", End("time-out"), None, "time-out"),
        ("", End("lost"), None, "lost"),
    ],
)
def test_the_launchers_word_about_the_end_is_parsed(text: str, end: End, code: int, shown: str):
    assert parse_end(text) == end
    assert (end.code, str(end)) == (code, shown)


def test_a_process_is_parsed_with_its_mapped_files():
    process = parse_process(PROCESS)
    assert process.name == "mailbox"
    found = process.find(0x555555555010)
    assert found
    assert (found.path, found.offset) == ("/tmp/mail box", 0x1000)
    assert process.find(0x7FFFF7FC0000) is None
    assert process.mapped[2].path == "/usr/lib/libc.so.6"


def test_link_addresses_come_from_segments():
    assert Elf(elf()).link_address(0x1010) == 0x2010
    assert Elf(elf()).link_address(0x9000) is None


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh", elf()[:40], elf()[:70]])
def test_a_file_that_is_no_elf_file_is_refused(data):
    with pytest.raises(ValueError, match="no ELF file"):
        Elf(data)


def test_frames_of_addr2line_are_parsed():
    frames = parse_frames(FRAMES)
    assert frames[0x2010] == (Frame("push", "/src/queue.h", 9), Frame("main", "/src/mailbox.c", 12))
    assert frames[0x2020] == (Frame("memcpy"),)
    assert frames[0x2028] == (Frame("push", "/src/queue.h", 11),)
    assert frames[0x2030] == ()


def test_marked_parts_are_parsed():
    assert parse_marked("== a b\n1\n2\n== c\n") == {"a b": "1\n2", "c": ""}


def test_symbols_fetch_a_file_of_two_nodes_once():
    asked = []

    def ask(node: int, command: str) -> str:
        (word,) = (word for word in ("sha256sum", "base64", "addr2line") if word in command)
        asked.append((node, word))
        assert "'/tmp/mail box'" in command
        content = base64.b64encode(elf()).decode()
        output = {"sha256sum": "1234  -", "base64": content, "addr2line": FRAMES}
        return f"== /tmp/mail box\n{output[word]}"

    output = [{"process": 9, "group": 9, "node": node, "space": 4096, "seq": 1} for node in (1, 2)]
    processes = {(node, 9): parse_process(PROCESS) for node in (1, 2)}
    symbols = Symbols(output, processes, ask)
    (defect,) = symbols.name([parse_defect(PRINTED)])
    assert defect.first.site == "push /src/queue.h:9"
    assert (defect.first.process, defect.first.program) == (9, "mailbox")
    place = symbols.instruction(defect.first)
    assert place
    assert place[1] == 0x2010
    words = [word for _, word in asked]
    assert [words.count(word) for word in ("sha256sum", "base64", "addr2line")] == [2, 1, 2]
    assert {node for node, _ in asked} == {1, 2}


def test_an_instruction_of_an_unknown_process_has_its_program_counter():
    symbols = Symbols([], {}, lambda _node, _command: "")
    (defect,) = symbols.name([parse_defect(PRINTED)])
    assert defect.first.site == "0x555555555010"


def test_the_same_lines_are_one_defect():
    one, other = named(), replace(named(), region="elsewhere")
    assert [defect.count for defect in merged([one, other, one])] == [4, 2]


def test_a_load_that_polls_stands_in_a_loop_with_a_flush():
    assert function(POLL).polls(0x1139)
    assert not function(POLL).polls(0x1148)
    assert not function(POLL.replace(FLUSH, PAUSE)).polls(0x1139)


def function(code: bytes) -> Function:
    return Function({instruction.address: instruction for instruction in decode(code, 0x1139)})


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        ("function push", True),
        ("function ma*", True),
        ("function pop", False),
        ("region mail  # a comment", True),
        ("region other", False),
        ("function push : stale read", True),
        ("function push : data race", False),
        ("# nothing", False),
    ],
)
def test_a_suppression_covers_its_defects(rule: str, covered: bool):
    assert (suppress.apply(suppress.parse(rule), [named()]) == []) is covered


def test_suppressions_that_are_not_utf8_are_refused(tmp_path: Path):
    path = tmp_path / "rules"
    path.write_bytes(b"region a\xff")
    with pytest.raises(UsageError, match="is not UTF-8: invalid start byte at byte 8"):
        suppress.read(path)


@pytest.mark.parametrize("line", ["function", "file x", "region x : no kind"])
def test_a_line_that_is_no_suppression_is_named(line: str):
    with pytest.raises(UsageError, match="line 2"):
        suppress.parse("# first\n" + line)


def test_text_has_both_sides_and_the_order():
    text = "\n".join(line for _, line in lines_of(named()))
    assert "stale read (2 times): bytes 0x40-0x47 of the pool, region 'mail'" in text
    assert "node 1: store, 8 bytes of 0x2a" in text
    assert "node 2: load" in text
    assert "in push /src/queue.h:9" in text
    assert "last flush of the line: node 1, clwb" in text
    order = text[text.index("in this order") :]
    assert order.index("store") < order.index("clwb") < order.index("load")


def test_json_has_both_sides():
    found = named().as_json()
    assert (found["kind"], found["offset"], found["region"]) == ("stale read", 64, "mail")
    assert found["first"]["source"] == "/src/queue.h:9"
    assert found["second"]["node"] == 2
    assert found["last_flush"]["what"] == "clwb"
    json.dumps(found)


def test_sarif_has_rules_and_the_place_of_the_second_side():
    log = json.loads(sarif(Report("prog", defects=[named()])))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {
        kind.replace(" ", "-") for kind in KINDS
    }
    (result,) = run["results"]
    assert result["ruleId"] == "stale-read"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "src/queue.h"
    assert place["region"]["startLine"] == 9


def test_junit_has_a_failure_for_each_defect():
    wrong = ET.fromstring(junit(Report("prog", defects=[named()])))
    assert (wrong.get("failures"), len(wrong.findall("testcase/failure"))) == ("1", 1)
    right = ET.fromstring(junit(Report("prog")))
    assert (right.get("tests"), right.get("failures")) == ("1", "0")


def test_an_event_without_frames_has_its_program_counter():
    assert Event(**event(1, "store", 1)).site == "0x555555555010"  # type: ignore[arg-type]
