#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the README's pictures: run `famulus` on a real fabric and write the terminal's text as SVG.

    .venv/bin/python scripts/render_pictures.py

Writes docs/pictures/fabric.svg and docs/pictures/check.svg. Takes a minute; the fabric that the
pictures show is removed at the end.
"""

import io
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
WIDTH = 104
TIMEOUT = 900  # seconds; the first `up` builds the template
SESSIONS = {
    "fabric": (
        "famulus up 4",
        "famulus ssh 1 -- 'make -s hello_fabric && sudo ./hello_fabric'",
        "famulus exec 2-4 -- 'make -s hello_fabric_read && sudo ./hello_fabric_read'",
    ),
    "check": ("famulus check -- tests/corpus/checker/mailbox_flag_first.c",),
}
_SPINNER = re.compile("[\u2800-\u28ff]")  # a step that has not ended
# The fonts of rich's own format are fetched from the network; these are on every machine.
FORMAT = """<svg class="famulus" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
    font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Make all pictures."""
    PICTURES.mkdir(exist_ok=True)
    for warm in ("up 4", "down --purge"):  # template and snapshot exist in the pictures
        run(f"famulus {warm}")
    try:
        for name, commands in SESSIONS.items():
            (PICTURES / f"{name}.svg").write_text(picture(name, commands), encoding="utf-8")
    finally:
        subprocess.run(
            [*famulus(), "down", "--purge"], env=environment(), check=False, timeout=TIMEOUT
        )


def picture(name: str, commands: tuple[str, ...]) -> str:
    """Return the picture of a terminal in which `commands` have run, as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for command in commands:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        console.print(Text.from_ansi(run(command)))
    return console.export_svg(title="", unique_id=name, code_format=FORMAT)


def run(command: str) -> str:
    """Run `command` in a terminal of its own and return its text, colours included."""
    leader, follower = pty.openpty()
    words = shlex.split(command)
    argv = [*famulus(), *words[1:]]
    with subprocess.Popen(
        argv,
        env=environment(),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    ):
        os.close(follower)
        shown = settled(read_all(leader).decode())
    if "Traceback" in shown or "error:" in shown:
        sys.exit(f"{command}\n{shown}")
    return shown


def read_all(terminal: int) -> bytes:
    """Return everything that comes from `terminal` until the last writer closes it."""
    text = b""
    try:
        while chunk := os.read(terminal, 65536):
            text += chunk
    except OSError:  # EIO: nobody has the other side open any more
        pass
    os.close(terminal)
    return text


def settled(text: str) -> str:
    """Return the lines that a terminal shows at the end, without progress that was drawn over."""
    shown: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        last = re.split(r"\x1b\[1A|\r", line)[-1]
        shown.append(re.sub(r"\x1b\[\?25[lh]|\x1b\[2K", "", last))
    return "\n".join(line for line in shown if line.strip() and not _SPINNER.search(line))


def famulus() -> list[str]:
    """Return the command line of this tree's `famulus`."""
    return [sys.executable, "-m", "famulus"]


def environment() -> dict[str, str]:
    """Return the environment of a terminal with colours."""
    kept = {name: value for name, value in os.environ.items() if name != "FAMULUS_FABRIC"}
    return {**kept, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}


if __name__ == "__main__":
    main()
