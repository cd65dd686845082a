# SPDX-License-Identifier: GPL-2.0-or-later
"""Traces: the analyser's counts, and their summary."""

import json
import subprocess
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.checker import trace, trace_record
from famulus.cli import trace as cli
from tests.unit.checker.checker import Story, analyser
from tests.unit.timeouts import TIMEOUT

LINE = 0x2000


def traced(story: Story, file: Path) -> trace.Trace:
    argv = [str(analyser()), "--trace", str(file), "--replay", "-"]
    subprocess.run(argv, input=bytes(story.data), check=True, timeout=TIMEOUT)
    return trace.read(file)


def test_accesses_are_counted_by_node_and_line(tmp_path):
    story = Story().tell(1, "store", LINE, 1).tell(1, "clwb", LINE).tell(2, "load", LINE, 1)
    story.tell(1, "locked", LINE + 64, 1, old=0).tell(2, "load", LINE + 60, size=8)
    found = trace.by_line(traced(story, tmp_path / "t").tallies)
    first, second = found[LINE]
    assert (first.node, first.stores, first.flushes, first.handovers) == (1, 1, 1, 0)
    assert (second.node, second.loads, second.handovers) == (2, 2, 1)
    assert [tally.locked for tally in found[LINE + 64]] == [1, 0]


def test_false_sharing_is_of_different_bytes(tmp_path):
    apart = Story().tell(1, "store", LINE, 1).tell(2, "store", LINE + 8, 1)
    same = Story().tell(1, "store", LINE, 1).tell(2, "load", LINE, 1)
    assert trace.is_falsely_shared(traced(apart, tmp_path / "a").tallies)
    assert not trace.is_falsely_shared(traced(same, tmp_path / "b").tallies)


def test_a_summary_has_nodes_and_regions(tmp_path):
    story = Story().tell(1, "store", LINE, 1).tell(2, "store", LINE + 8, 1)
    found = trace.summary(traced(story, tmp_path / "t"), lambda _offset: "mail")
    assert found["nodes"]["1"]["stores"] == 1
    assert found["regions"]["mail"]["stores"] == 2
    assert (found["lines"], found["pages"], found["falsely_shared"]) == (1, 1, [LINE])
    json.dumps(found)


def test_a_region_with_brackets_in_its_name_is_shown(tmp_path, capsys, monkeypatch):
    file = tmp_path / "t"
    traced(Story().tell(1, "store", LINE, 1), file)
    monkeypatch.setattr(trace_record, "names", lambda _fabric: lambda _offset: "[/] [red]")
    monkeypatch.setattr(cli, "open_fabric", lambda _name: None)
    cli.show(file)
    assert "[/] [red]" in capsys.readouterr().out


def test_a_trace_says_how_many_events_are_lost(tmp_path):
    story = (
        Story()
        .tell(1, "store", LINE, 1)
        .lose(3)
        .tell(2, "store", LINE + 8, 1)
        .lose()
        .tell(1, "load")
    )
    recorded = traced(story, tmp_path / "t")
    assert recorded.lost == 4
    assert trace.summary(recorded, lambda _offset: "mail")["lost"] == 4


def test_a_file_that_is_no_trace_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"something else that is long enough")
    with pytest.raises(FamulusError, match="is no trace"):
        trace.read(tmp_path / "x")
    with pytest.raises(FamulusError, match="cannot be read"):
        trace.read(tmp_path / "none")
