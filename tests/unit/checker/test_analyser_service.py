# SPDX-License-Identifier: GPL-2.0-or-later
"""The analyser as a service, with a shell script in the place of the analyser."""

import contextlib
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.base.waiting import wait_until
from famulus.checker.analyser import AnalyserError, parse_output
from famulus.checker.analyser_service import AnalyserService
from tests.unit.timeouts import TIMEOUT

PROGRAM = """#!/bin/sh
echo begun >&2
printf '\\0\\0\\0\\0\\1\\0\\0\\0' >"$2/reader.state"
while [ ! -e "$2/stop" ]; do sleep 0.05; done
echo '{"events": 7}'
"""


@pytest.fixture
def stream(tmp_path):
    (tmp_path / "rings").mkdir()
    (tmp_path / "rings" / "stop").touch()  # of an earlier one
    return tmp_path / "rings"


@pytest.fixture
def background(tmp_path):
    made = AnalyserService(tmp_path / "checker")
    yield made
    made.stop()
    assert not made.folder.exists()


def start(background, stream, tmp_path, program=PROGRAM):
    path = tmp_path / "analyser"
    path.write_text(program)
    path.chmod(0o700)
    with (stream / "reader").open("w") as lock:
        background.start(path, stream, lock.fileno())


def test_the_service_is_found_again_and_returns_its_output(background, stream, tmp_path):
    start(background, stream, tmp_path)
    again = AnalyserService(background.folder)
    assert again.running()
    assert str(stream / "reader") in open_files(again.daemon.pid())
    assert again.finish() == [{"events": 7}]
    assert not background.running()


def test_an_analyser_that_does_not_start_is_an_error_with_its_log(background, stream, tmp_path):
    with pytest.raises(FamulusError, match="does not start") as caught:
        start(background, stream, tmp_path, "#!/bin/sh\necho no memory >&2\nexit 1\n")
    assert "no memory" in caught.value.details


def test_the_log_of_a_failed_analyser_is_in_the_error(background, stream, tmp_path):
    failing = PROGRAM.partition("while")[0] + "echo no memory >&2\nexit 1\n"
    start(background, stream, tmp_path, failing)
    wait_until("its end", lambda: not background.running(), timeout=TIMEOUT)
    with pytest.raises(AnalyserError, match="before its time") as caught:
        background.finish()
    assert "no memory" in caught.value.details


@pytest.mark.parametrize("output", ["", '{"events"', '{"kind": "x"}'])
def test_an_output_that_is_not_whole_is_the_end_before_its_time(output):
    with pytest.raises(AnalyserError, match="before its time"):
        parse_output(output)


def open_files(pid):
    """Return the open files; one that the process closes meanwhile is left out."""
    found = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(file.readlink()))
    return found
