# SPDX-License-Identifier: GPL-2.0-or-later
"""Say which line of a script runs: what `site` imports in a Python that the launcher starts.

Each thread says the number of the line by a `cpuid` that the plugin knows (plugin/cpu.c). The files
`PROCESS.lines` in the folder $FAMULUS_CHECK_LINES tell what the numbers mean: number, line, file
and function, parted by tabs. What is installed with Python or below /usr/lib is not the
script's: such code runs on behalf of the line that called it.
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
# push rbx; mov eax, SAYS_LINE; mov ebx, edi; cpuid; pop rbx; ret
_CODE = bytes.fromhex("53 b8034d4146 89fb 0fa2 5b c3")
_TOOL = 4  # of sys.monitoring: one that no kind of tool has claimed

_folder = Path(os.environ["FAMULUS_CHECK_LINES"])
_numbers: dict[Place, int] = {}
_lock = threading.Lock()


def _function() -> Any:  # noqa: ANN401 - ctypes makes its type
    """Return `_CODE` as a function of an int. It lies in memory of its own, for good."""
    memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(_CODE)
    _keep.append(memory)
    return ctypes.PYFUNCTYPE(None, ctypes.c_uint)(
        ctypes.addressof(ctypes.c_char.from_buffer(memory))
    )


_keep: list[object] = []
_say = _function()


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
    """Write a file of the child's own, whatever other threads were at when it was forked."""
    global _lock  # noqa: PLW0603 - it may be held by nobody
    _lock = threading.Lock()
    _write(dict(_numbers))


def _at(code: CodeType, line: int) -> None:
    place = code, line
    _say(_numbers.get(place) or _number(place))


def _back_to(frame: FrameType | None) -> None:
    """Say where the nearest of the script's own functions is, from `frame` on."""
    while frame and not _is_own(frame.f_code):
        frame = frame.f_back
    if frame:
        _at(frame.f_code, frame.f_lineno or 0)


def _trace(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - itself, or None
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
    """Return the frame of who called the function that ends, which called what calls this."""
    return sys._getframe(2).f_back  # noqa: SLF001 - there is no other way


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
