# SPDX-License-Identifier: GPL-2.0-or-later
"""The place in which a template is built: programs of the new system run there, as its root.

A build fails after a minute, with a page of apt's words, where the place does not allow that.
"""

import os
import re
import tempfile
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.run import run
from famulus.host.finding import Finding, Level

_TIMEOUT = 10.0  # seconds
_ALLOW = "--cap-add SYS_ADMIN --security-opt apparmor=unconfined"  # options of docker run
_MOUNT = ("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/tmp")  # noqa: S108 - in a namespace
_PLAIN = re.compile(r"[\w ./+@=,~-]+")
_ENTER = 0o001  # other users may enter a folder


def unpack_folder() -> Path:
    """Return the folder below which mmdebstrap unpacks the new system; it need not exist.

    The mapped user of a user namespace cannot enter a private home, and apt cannot read every path
    (measured: a colon or a quotation mark in the path ends apt-get).
    """
    home = paths.templates()
    return home if _is_root() and _PLAIN.fullmatch(str(home)) else Path(tempfile.gettempdir())


def nearest(path: Path) -> Path:
    """Return the nearest existing folder: `path` or a folder above `path`."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def check_place(level: Level) -> list[Finding]:
    """Return the obstacles to a build that its place causes, each as a finding of `level`."""
    of_user = _no_mount() if _is_root() else _no_entry()
    obstacles = (of_user, _no_exec(), _no_apt())
    return [
        Finding("build", level, f"no template can be built {text}", cure)
        for text, cure in filter(None, obstacles)
    ]


def _is_root() -> bool:
    return os.geteuid() == 0


def _no_mount() -> tuple[str, str] | None:
    """Mount in a namespace: root in a container often lacks CAP_SYS_ADMIN, or AppArmor refuses."""
    try:
        run(_MOUNT, timeout=_TIMEOUT)
    except FamulusError as error:
        cure = (
            f"Start the container with `{_ALLOW}`, or copy {paths.templates()} from another host."
        )
        return f"by this root, who may not mount ({error.details or error.brief})", cure
    return None


def _no_exec() -> tuple[str, str] | None:
    folder = unpack_folder()
    if not os.statvfs(nearest(folder)).f_flag & os.ST_NOEXEC:
        return None
    variable = "FAMULUS_HOME" if folder == paths.templates() else "TMPDIR"
    return (
        f"in {folder}, which is mounted noexec",
        f"Set {variable} to a folder on another file system, such as /var/tmp.",
    )


def _no_apt() -> tuple[str, str] | None:
    folder = unpack_folder()
    if _PLAIN.fullmatch(str(folder)):
        return None
    return f"in {folder}: apt cannot read such a path", "Set TMPDIR to a plain path, as /var/tmp."


def _no_entry() -> tuple[str, str] | None:
    folder = unpack_folder().resolve()
    closed = [path for path in (folder, *folder.parents) if not path.stat().st_mode & _ENTER]
    if not closed:
        return None
    return (
        f"in {folder}: a user namespace's root cannot enter {closed[-1]}",
        "Set TMPDIR to a folder that all users may enter, such as /var/tmp.",
    )
