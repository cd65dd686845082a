# SPDX-License-Identifier: GPL-2.0-or-later
"""A process that changes files in one folder only, by audit hooks of Python (PEP 578).

The hooks do not see what C does: libvirt's library is led to a socket that does not exist.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

NO_LIBVIRT = ("LIBVIRT_DEFAULT_URI", "qemu+unix:///system?socket=/nonexistent")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ANYWHERE = (os.devnull, f"{tempfile.gettempdir()}/famulus-{os.getuid()}")  # paths.socket_folder
_CHANGES = {  # events, and how many of their first arguments are paths
    "os.chmod": 1,
    "os.chown": 1,
    "os.link": 2,
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.utime": 1,
    "shutil.rmtree": 1,
}
_BORDERS = {
    *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"),
    "socket.sendto",
}
_SOCKETS = {"socket.bind", "socket.connect"}


class Border(BaseException):
    """The code would run another program or talk to another process: the input has been read."""


class Outside(BaseException):
    """The code would change a file outside of the folder."""


def guard(folder: Path) -> None:
    """Let this process, for ever, change no file outside of `folder` and run no program."""
    os.environ.update([NO_LIBVIRT])
    inside = os.path.realpath(folder)

    def check(path: object) -> None:
        if isinstance(path, int):
            return
        real = os.fsdecode(os.path.realpath(path))  # type: ignore[call-overload]
        if not any(f"{real}/".startswith(f"{allowed}/") for allowed in (inside, *_ANYWHERE)):
            raise Outside(real)

    sys.addaudithook(_hook(check))


def _check_socket(check: Callable[[object], None], address: object) -> None:
    """Let a socket in the folder be."""
    try:
        check(address)
    except (Outside, TypeError):
        raise Border("socket") from None


def _hook(check: Callable[[object], None]) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _BORDERS or (event == "os.kill" and arguments[1]):
            raise Border(event)
        if event in _SOCKETS:
            _check_socket(check, arguments[1])
        if event == "open" and arguments[2] & _WRITES:
            check(arguments[0])
        for path in arguments[: _CHANGES.get(event, 0)]:
            check(path)

    return hook
