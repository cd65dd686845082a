# SPDX-License-Identifier: GPL-2.0-or-later
"""Tell the plugin which line of a script runs: `site` imports this in a Python under the launcher.

Each thread sends a number for the line by `cpuid` (native/include/says.h). The files
`PROCESS.lines` in the folder $FAMULUS_CHECK_LINES explain the numbers: number, line, file and
function, separated by tabs. Code that is installed with Python or below /usr/lib does not belong to
the script: that code runs on behalf of the script's line that called it.
"""

import ctypes
import mmap
import os
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

Place = tuple[CodeType, int]

_FOREIGN = (str(Path(os.__file__).parent), "/usr/lib/", "<", __file__)
_SAYS_LINE = 0x46414D03  # native/include/says.h
# push rbx; mov eax, SAYS_LINE; mov ebx, edi; cpuid; pop rbx; ret
_CODE = b"\x53\xb8" + _SAYS_LINE.to_bytes(4, "little") + bytes.fromhex("89fb 0fa2 5b c3")
_TOOL = 4  # an id of sys.monitoring that is reserved for no kind of tool

_folder = Path(os.environ["FAMULUS_CHECK_LINES"])
_numbers: dict[Place, int] = {}
_lock = threading.Lock()


def _function() -> Any:  # noqa: ANN401 - ctypes makes the type
    """Return `_CODE` as a function of an int, in memory of its own that is never freed."""
    memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(_CODE)
    _keep.append(memory)
    return ctypes.PYFUNCTYPE(None, ctypes.c_uint)(
        ctypes.addressof(ctypes.c_char.from_buffer(memory))
    )


_keep: list[object] = []
_send = _function()


def _is_own(code: CodeType) -> bool:
    return not code.co_filename.startswith(_FOREIGN)


def _write(places: dict[Place, int]) -> None:
    with (_folder / f"{os.getpid()}.lines").open("a", encoding="utf-8") as file:
        for (code, line), number in places.items():
            path = os.path.normpath(code.co_filename)
            file.write(f"{number}\t{line}\t{path}\t{code.co_qualname}\n")


def _number(place: Place) -> int:
    with _lock:
        if place not in _numbers:
            _numbers[place] = len(_numbers) + 1
            _write({place: _numbers[place]})
        return _numbers[place]


def _begin_again() -> None:
    """Write the file of a forked child; another thread may have held the lock at the fork."""
    global _lock  # noqa: PLW0603 - the lock's holder is not in the child
    _lock = threading.Lock()
    _write(dict(_numbers))


def _at(code: CodeType, line: int) -> None:
    place = code, line
    _send(_numbers.get(place) or _number(place))


def _back_to(frame: FrameType | None) -> None:
    """Send the line of the nearest caller that belongs to the script, from `frame` on."""
    while frame and not _is_own(frame.f_code):
        frame = frame.f_back
    if frame:
        _at(frame.f_code, frame.f_lineno or 0)


def _trace(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - this function, or None
    if not _is_own(frame.f_code):
        return None
    if event == "line":
        _at(frame.f_code, frame.f_lineno)
    elif event == "return":
        _back_to(frame.f_back)
    return _trace


def _start_tracing() -> None:
    sys.settrace(_trace)
    threading.settrace(_trace)


def _caller() -> FrameType | None:
    """Return the frame of the caller of the function that ends, whose callback calls this."""
    return sys._getframe(2).f_back  # noqa: SLF001 - no public function returns frames


def _start_monitoring(monitoring: Any) -> None:  # noqa: ANN401 - Python 3.12 has it
    def on_line(code: CodeType, line: int) -> object:
        if not _is_own(code):
            return monitoring.DISABLE
        _at(code, line)
        return None

    def on_return(code: CodeType, *_: object) -> object:
        if not _is_own(code):
            return monitoring.DISABLE
        _back_to(_caller())
        return None

    def on_unwind(code: CodeType, *_: object) -> None:  # cannot be disabled
        if _is_own(code):
            _back_to(_caller())

    events = monitoring.events
    monitoring.use_tool_id(_TOOL, "famulus check")
    for event, callback in (
        (events.LINE, on_line),
        (events.PY_RETURN, on_return),
        (events.PY_YIELD, on_return),
        (events.PY_UNWIND, on_unwind),
    ):
        monitoring.register_callback(_TOOL, event, callback)
    monitoring.set_events(
        _TOOL, events.LINE | events.PY_RETURN | events.PY_YIELD | events.PY_UNWIND
    )


os.register_at_fork(after_in_child=_begin_again)
if hasattr(sys, "monitoring"):
    _start_monitoring(sys.monitoring)
else:
    _start_tracing()
