# SPDX-License-Identifier: GPL-2.0-or-later
"""The analyser of one fabric as a process that outlives the command that starts it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.process import Service
from famulus.base.run import run
from famulus.base.waiting import wait_until
from famulus.checker.analyser import STOP, parse_output
from famulus.checker.rings import forget_reader, reader

_TIMEOUT = 60.0  # seconds for a start
_END_TIMEOUT = 86_400.0  # seconds: the user ends the wait for an analyser that is stopped
_START = 'cd "$0" && { "$@" >found 2>log </dev/null & echo $! >pid; }'


@dataclass(frozen=True)
class AnalyserService(Service):
    """The analyser whose pid file, log and output lie in `folder`."""

    def start(self, analyser: Path, stream: Path, lock: int) -> None:
        """Let `analyser` read the rings in `stream` from now on, with the file `lock` open.

        On return, the analyser reads: no event is lost from then on. Raises FamulusError, with the
        analyser's log, if the analyser cannot be started.
        """
        self.stop()
        paths.make_private(self.folder)
        rings = self.folder / "stream"
        rings.symlink_to(stream)
        self._stop.unlink(missing_ok=True)
        forget_reader(stream)
        argv: list[str | Path] = ["sh", "-c", _START, self.folder, analyser, "--notes", rings]
        run(argv, timeout=_TIMEOUT, pass_fds=[lock])
        wait_until("the checker to begin", self._has_begun, timeout=_TIMEOUT, interval=0.01)

    def _has_begun(self) -> bool:
        if reader(self.folder / "stream") is not None:
            return True
        if not self.running():
            raise FamulusError("the checker does not start", details=self._read("log"))
        return False

    def finish(self) -> list[dict[str, Any]]:
        """Let the analyser read the rest of the rings and end; return its output: an object a line.

        Waits as long as the analyser lives.
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
