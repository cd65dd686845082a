# SPDX-License-Identifier: GPL-2.0-or-later
"""Build a template: packages -> tar -> disk. Finished or not there, whatever happens on the way."""

import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from famulus import paths
from famulus.errors import FamulusError
from famulus.events import Events, Step
from famulus.run import run
from famulus.spec import FabricSpec
from famulus.template.disk import make_disk
from famulus.template.guest import guest_files, guest_folder
from famulus.template.mirror import check_mirror
from famulus.template.recipe import Recipe, mmdebstrap_arguments, root_uuid
from famulus.template.store import RECORD, Template, find
from famulus.waiting import pause

_LIMIT = 1800.0  # seconds for all packages, over a slow line
_NEEDED = "A build needs about 3 GiB there and 1.5 GiB in /tmp; FAMULUS_HOME may lie elsewhere."
_PHASE = re.compile(r"^I: (?!success)(.+?)(?:\.\.\.)?$")
_PACKAGE = re.compile(r"^(?:Get:\d+ .* (\S+) amd64 .*|(?:Unpacking|Setting up) (\S+) .*)$")


def ensure(spec: FabricSpec, events: Events) -> Template:
    """Return the template for `spec`, built now if it is not there.

    Several processes may ask at once: one builds, the others wait and take the result. On failure,
    interrupt or kill nothing remains that looks finished; the log of a failed build is kept.
    """
    recipe = Recipe.from_spec(spec)
    digest = recipe.digest(guest_files())
    return find(digest) or _build_locked(recipe, digest, events)


def _build_locked(recipe: Recipe, digest: str, events: Events) -> Template:
    root = paths.make_private(paths.templates())
    with _lock(
        root / f".{digest}.lock", lambda: events.note("waiting for another build of this template")
    ):
        template = find(digest)
        if template is None:
            _sweep(root, digest)
            _build(recipe, digest, root, events)
            template = find(digest)
        if template is None:
            raise FamulusError(f"the template {digest} was built but cannot be read")
        return template


def _build(recipe: Recipe, digest: str, root: Path, events: Events) -> None:
    folder = root / f".building-{digest}"
    try:
        folder.mkdir(mode=0o700)
        _fill(folder, recipe, digest, events)
        folder.rename(root / digest)
    except OSError as error:
        raise _no_room(folder, error) from error
    except FamulusError as error:
        log = _keep_log(folder, root)
        if _is_full(error):
            raise _no_room(folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
        error.hint = error.hint or (f"All that was printed is in {log}." if log else "")
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: Path, recipe: Recipe, digest: str, events: Events) -> None:
    with events.step(f"ask {recipe.mirror} for {recipe.suite}"):
        check_mirror(recipe)
    with events.step(f"template: {recipe.suite} from {len(recipe.packages)} packages") as step:
        _bootstrap(folder, recipe, digest, step)
    with events.step("template: disk"):
        make_disk(folder / "rootfs.tar", folder / "disk.img", root_uuid(digest))
    record = {
        "digest": digest,
        "suite": recipe.suite,
        "kernel": recipe.kernel,
        "mirror": recipe.mirror,
        "packages": recipe.packages,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _bootstrap(folder: Path, recipe: Recipe, digest: str, step: Step) -> None:
    is_root = os.geteuid() == 0
    argv = mmdebstrap_arguments(recipe, digest, guest_folder(), folder, root=is_root)
    # As root the tree grows beside its result; in a user namespace it must lie where the mapped
    # user may go, and that is not below a 0700 home.
    env = {"TMPDIR": str(folder)} if is_root else {}
    with (folder / "build.log").open("w", encoding="utf-8") as log:

        def on_line(line: str) -> None:
            log.write(line + "\n")
            step.output(line)
            if text := _progress(line):
                step.detail(text)

        run(argv, timeout=_LIMIT, on_line=on_line, env=env)


def _progress(line: str) -> str | None:
    if phase := _PHASE.match(line):
        return phase[1]
    package = _PACKAGE.match(line)
    return (package[1] or package[2]) if package else None


def _sweep(root: Path, digest: str) -> None:
    """Remove what a killed build or prune left. We hold the template's lock, so nobody builds."""
    for left in (root / f".building-{digest}", root / digest):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _lock(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        told = False
        while not _try_lock(fd):
            if not told:
                on_wait()
                told = True
            pause(0.1)
        yield
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _keep_log(folder: Path, root: Path) -> Path | None:
    log = folder / "build.log"
    if not log.exists():
        return None
    return log.rename(root / "last-failed-build.log")


def _is_full(error: FamulusError) -> bool:
    return os.strerror(errno.ENOSPC) in error.details or "Could not allocate block" in error.details


def _no_room(folder: Path, error: OSError) -> FamulusError:
    return FamulusError(
        f"cannot build a template in {folder.parent}: {error.strerror}", hint=_NEEDED
    )
