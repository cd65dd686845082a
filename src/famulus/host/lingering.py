# SPDX-License-Identifier: GPL-2.0-or-later
"""Check whether the user's last logout removes a pool, see RemoveIPC in logind.conf(5)."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from famulus.base import user
from famulus.base.paths import SHARED_MEMORY
from famulus.host.finding import Finding

_FIRST_ORDINARY = 1000  # user ids below are system users, whose files logind leaves
_SETTING = re.compile(r"^\s*RemoveIPC\s*=\s*(\w+)", re.MULTILINE)
_FOLDERS = ("usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd")
_NO = ("no", "false", "off", "n", "f", "0")


def check_lingering(pool: Path, root: Path = Path("/")) -> list[Finding]:
    """Return a warning if the user's last logout removes the pool at `pool`.

    Returns nothing if logout cannot remove the pool, whatever the user does.
    """
    number = os.geteuid()
    logind = root / "run/systemd/users"
    if number < _FIRST_ORDINARY or not pool.is_relative_to(SHARED_MEMORY) or not logind.is_dir():
        return []
    if not _removes(root):
        return []
    if (root / "var/lib/systemd/linger" / (user.name_of(number) or "")).is_file():
        return [Finding("logout", "ok", "the pool stays in /dev/shm, because you linger")]
    return [
        Finding(
            "logout",
            "warning",
            f"your last logout empties {SHARED_MEMORY} (RemoveIPC); a pool that no node holds is "
            "lost then",
            "`loginctl enable-linger` keeps your files; or choose a file elsewhere with "
            "--pool-file.",
        )
    ]


def _removes(root: Path) -> bool:
    """Tell whether RemoveIPC is on, as it is by default; the last setting counts."""
    found = [value for text in _texts(root) for value in _SETTING.findall(text)]
    return not found or found[-1].lower() not in _NO


def _texts(root: Path) -> Iterator[str]:
    folders = [root / folder for folder in _FOLDERS]
    parts = [path for folder in folders for path in folder.glob("logind.conf.d/*.conf")]
    mains = [folder / "logind.conf" for folder in folders]
    for path in (*mains, *sorted(parts, key=lambda path: path.name)):
        try:
            yield path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
