# SPDX-License-Identifier: GPL-2.0-or-later
"""A console whose input is no terminal."""

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.backend.qemu.console import attach
from famulus.base.errors import FamulusError


class Machine:
    """A machine with a serial console behind the socket `path`; `typed` is what arrived there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.typed = b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with self._listener, connection:
            while data := connection.recv(100):
                self.typed += data


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "console")
    yield made
    made.thread.join(60)


@pytest.mark.parametrize(
    ("given", "typed"), [(b"", b""), (b"ls\r", b"ls\r"), (b"ls\r\x1dmore", b"ls\r")]
)
def test_a_file_is_typed_up_to_its_end_or_the_key_that_leaves(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bytes, typed: bytes
) -> None:
    (tmp_path / "input").write_bytes(given)
    with (tmp_path / "input").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert attach(machine.path) is False
    machine.thread.join(60)
    assert machine.typed == typed


def test_an_input_that_cannot_be_read_is_an_error(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/null").open("w") as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(FamulusError, match="cannot read standard input"):
            attach(machine.path)
