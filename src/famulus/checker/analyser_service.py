# SPDX-License-Identifier: GPL-2.0-or-later
"""The analyser of one fabric as a process that outlives the command that starts it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from famulus.base import paths
from famulus.base.process import Service
from famulus.base.run import run
from famulus.checker.analyser import STOP, parse_output

_TIMEOUT = 60.0  # seconds for a start
_END_TIMEOUT = 300.0  # seconds in which the analyser reads the rest of the rings, on a busy host
_START = 'cd "$0" && { "$@" >found 2>log </dev/null & echo $! >pid; }'


@dataclass(frozen=True)
class AnalyserService(Service):
    """The analyser whose pid file, log and output lie in `folder`."""

    def start(self, analyser: Path, stream: Path, lock: int) -> None:
        """Let `analyser` read the rings in `stream` from now on, with the file `lock` open.

        Raises FamulusError if the analyser cannot be started.
        """
        self.stop()
        paths.make_private(self.folder)
        rings = self.folder / "stream"
        rings.symlink_to(stream)
        self._stop.unlink(missing_ok=True)
        argv: list[str | Path] = ["sh", "-c", _START, self.folder, analyser, "--notes", rings]
        run(argv, timeout=_TIMEOUT, pass_fds=[lock])

    def finish(self) -> list[dict[str, Any]]:
        """Let the analyser read the rest of the rings and end; return its output: an object a line.

        Raises AnalyserError, with the analyser's log, if the analyser had ended before this call.
        """
        if self.running():
            self._stop.touch()
            self.daemon.wait_gone("the checker's end", _END_TIMEOUT)
        return parse_output(self._read("found"), self._read("log"))

    @property
    def _stop(self) -> Path:
        return self.folder / "stream" / STOP

    def _read(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
