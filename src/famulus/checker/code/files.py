# SPDX-License-Identifier: GPL-2.0-or-later
"""ELF files of the nodes, on the host: each distinct file is fetched once."""

import base64
import shlex
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from famulus.checker.code.elf import Elf
from famulus.checker.code.processes import MARK, parse_marked

Ask = Callable[[int, str], str]  # runs a shell command in a node and returns its output

_DIGEST = "sha256sum <"
_CONTENT = "base64 <"


def in_files(node: int, commands: Mapping[str, str], ask: Ask) -> dict[str, str]:
    """Run each command in `node` with its file as last word; return the outputs by file.

    A command that fails has an output all the same, possibly an empty one.
    """
    if not commands:
        return {}
    lines = [
        f"echo {shlex.quote(MARK + path)}; {command} {shlex.quote(path)} 2>/dev/null || true"
        for path, command in commands.items()
    ]
    return parse_marked(ask(node, "; ".join(lines)))


class Files:
    """The ELF files of the nodes that `ask` reaches; equal files of several nodes are one."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._digests: dict[tuple[int, str], str] = {}
        self._files: dict[str, Elf | None] = {}  # by digest; None is no ELF file

    def fetch(self, node: int, paths: Collection[str]) -> None:
        """Have the files `paths` of `node` here, as far as the node's user can read them."""
        digests = in_files(node, dict.fromkeys(paths, _DIGEST), self._ask)
        self._digests |= {(node, path): digest for path, digest in digests.items() if digest}
        new = {digest: path for path, digest in digests.items() if digest not in self._files}
        contents = in_files(node, dict.fromkeys(new.values(), _CONTENT), self._ask)
        self._files |= {digest: _elf(contents.get(path, "")) for digest, path in new.items()}

    def get(self, node: int, path: str) -> Elf | None:
        """Return a file of `node`, None if the file was not fetched or is no ELF file."""
        return self._files.get(self._digests.get((node, path), ""))


def _elf(text: str) -> Elf | None:
    with suppress(ValueError):
        return Elf(base64.b64decode(text))
    return None
