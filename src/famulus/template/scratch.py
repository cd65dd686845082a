# SPDX-License-Identifier: GPL-2.0-or-later
"""The scratch folder in which mmdebstrap unpacks; the next build removes a killed build's folder.

The scratch folder of root lies in the build's folder, unless apt cannot read that path. In a user
namespace the mapped user must be able to reach the folder, so that it cannot lie below a 0700 home;
and only the mapped user can remove the files of the mapped user.
"""

import os
import shutil
import tempfile
from pathlib import Path

from famulus.base import paths
from famulus.base.run import run
from famulus.host.building import unpack_folder

_LINK = "scratch"
_TIMEOUT = 60.0  # seconds to remove 25,000 files


def make_scratch(build: Path) -> Path:
    """Make and return the scratch folder of the build in the folder `build`."""
    link = build / _LINK
    if unpack_folder() == paths.templates():
        link.mkdir(mode=0o700)
        return link
    scratch = Path(tempfile.mkdtemp(prefix="famulus-build-"))
    link.symlink_to(scratch)
    if os.geteuid():
        scratch.chmod(0o711)
    return scratch


def remove_build(build: Path) -> None:
    """Remove the folder `build` and its scratch folder, as far as they are there.

    No process may run in the folder, and no mount may be left there. An interrupt does not stop the
    removal, which is part of cleaning up after an interrupt.
    """
    remove_scratch(build)
    shutil.rmtree(build, ignore_errors=True)


def remove_scratch(build: Path) -> None:
    """Remove the scratch folder of the build in the folder `build`."""
    link = build / _LINK
    if link.is_symlink():
        _remove_mapped(link.readlink())
        link.unlink(missing_ok=True)
    shutil.rmtree(link, ignore_errors=True)


def _remove_mapped(scratch: Path) -> None:
    if not scratch.is_dir() or scratch.is_symlink() or scratch.stat().st_uid != os.geteuid():
        return
    mapped = scratch.iterdir() if os.geteuid() else ()
    for path in mapped:
        argv = ["mmdebstrap", "--unshare-helper", "rm", "-rf", "--one-file-system", str(path)]
        run(argv, timeout=_TIMEOUT, check=False, cleanup=True)
    shutil.rmtree(scratch, ignore_errors=True)
