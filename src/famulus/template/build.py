# SPDX-License-Identifier: GPL-2.0-or-later
"""Build a template: packages -> tar -> disk. A template is finished or does not exist."""

import errno
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from famulus.base import paths
from famulus.base.errors import FamulusError
from famulus.base.events import Events, Step
from famulus.base.run import run
from famulus.host.check import require_build
from famulus.settings.spec import FabricSpec
from famulus.template import store
from famulus.template.disk import make_disk
from famulus.template.guest import guest_files, write_files
from famulus.template.mirror import check_mirror
from famulus.template.recipe import Recipe, mmdebstrap_arguments, root_uuid
from famulus.template.scratch import make_scratch, remove_build, remove_scratch
from famulus.template.store import Template

_TIMEOUT = 1800.0  # seconds for all packages, over a slow line
_NEEDED = "A build needs about 3 GiB there and 1.5 GiB in /tmp; FAMULUS_HOME may lie elsewhere."
_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "Could not allocate block")
_PHASE = re.compile(r"^I: (?!success)([^:]+?)(?:\.\.\.|:.*)?$")
_PACKAGE = re.compile(
    r"(?:Get:\d+ \S+ \S+ \S+ (\S+) \S+ \S+ \[.*|(?:Unpacking|Setting up) (\S+) .*)"
)


def digest_of(spec: FabricSpec) -> str:
    """Return the digest of the template for `spec`, which need not exist."""
    return Recipe.from_spec(spec).digest(guest_files())


def ensure(spec: FabricSpec, events: Events) -> Template:
    """Return the template for `spec`, built now if there is none.

    No other process removes the template until this process ends. Several processes may call
    `ensure` at once: one process builds, the other processes wait and take the result. After a
    failure, interrupt or kill no template looks finished; the log of a failed build is kept. Raises
    FamulusError if this host cannot build templates, before any work; if the build fails; and if a
    damaged template cannot be replaced because disks lie on it.
    """
    recipe = Recipe.from_spec(spec)
    files = guest_files()
    order = _Order(recipe, files, recipe.digest(files), spec.proxy)
    root = paths.make_private(paths.templates())

    def build() -> None:
        require_build(spec)
        _build(order, root, events)

    return store.vault().hold(
        order.digest,
        lambda: store.find(order.digest),
        build,
        lambda: events.note("waiting for another build of this template"),
    )


@dataclass(frozen=True)
class _Order:
    """The template to build. `files` are read once, because the digest names these very bytes."""

    recipe: Recipe
    files: Mapping[str, bytes]
    digest: str
    proxy: str


def _build(order: _Order, root: Path, events: Events) -> None:
    vault = store.vault()
    folder = vault.building(order.digest)
    try:
        vault.remove(order.digest)  # the remains of a killed build or prune
        folder.mkdir(mode=0o700)
        _fill(folder, order, events)
        vault.publish(order.digest, _record(order))
    except (OSError, FamulusError) as error:
        raise _explained(error, root, _keep_log(folder, root)) from error.__cause__
    finally:
        _keep_log(folder, root)
        remove_build(folder)


def _fill(folder: Path, order: _Order, events: Events) -> None:
    recipe, tar = order.recipe, folder / "rootfs.tar"
    with events.step(f"ask {recipe.mirror} for {recipe.suite}"):
        check_mirror(recipe, order.proxy)
    with events.step(f"template: {recipe.suite} from {len(recipe.packages)} packages") as step:
        _bootstrap(folder, order, step)
    with events.step("template: disk"):
        make_disk(tar, folder / "disk.img", root_uuid(order.digest))
    tar.unlink()
    remove_scratch(folder)


def _record(order: _Order) -> dict[str, object]:
    return {
        "digest": order.digest,
        "suite": order.recipe.suite,
        "kernel": order.recipe.kernel,
        "mirror": order.recipe.mirror,
        "packages": order.recipe.packages,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _bootstrap(folder: Path, order: _Order, step: Step) -> None:
    guest = folder / "guest"
    write_files(order.files, guest)
    is_root = os.geteuid() == 0
    argv = mmdebstrap_arguments(order.recipe, order.digest, guest, folder, root=is_root)
    with (folder / "build.log").open("w", encoding="utf-8", buffering=1) as log:

        def on_line(line: str) -> None:
            log.write(line + "\n")
            step.output(line)
            if text := _progress(line):
                step.detail(text)

        env = {**_proxy_variables(order.proxy), "TMPDIR": str(make_scratch(folder))}
        run(argv, timeout=_TIMEOUT, on_line=on_line, env=env)
    shutil.rmtree(guest)


def _proxy_variables(proxy: str) -> dict[str, str]:
    """Return the variables with which apt asks `proxy`, or no proxy if that is empty.

    No command line and no file of the template has the proxy, whose URL may have a password.
    """
    return {"http_proxy": proxy, "https_proxy": proxy}


def _progress(line: str) -> str | None:
    if phase := _PHASE.match(line):
        return phase[1]
    package = _PACKAGE.fullmatch(line)
    return (package[1] or package[2]) if package else None


def _keep_log(folder: Path, root: Path) -> Path | None:
    try:
        return (folder / "build.log").rename(root / "last-failed-build.log")
    except OSError:
        return None


def _explained(error: OSError | FamulusError, root: Path, log: Path | None) -> FamulusError:
    """Return `error` as the user reads it. A full disk is the usual reason."""
    brief = error.brief if isinstance(error, FamulusError) else _brief(error)
    details = error.details if isinstance(error, FamulusError) else ""
    hint = error.hint if isinstance(error, FamulusError) else ""
    if any(sign in brief + details for sign in _FULL):
        brief, details, hint = os.strerror(errno.ENOSPC), "", _NEEDED
    elif isinstance(error, FamulusError) and log is None:
        return error  # no build has begun, and the message needs no context
    brief = re.sub(r"^setpriv ", "mmdebstrap ", brief)
    hint = hint or (f"The whole output is in {log}." if log else "")
    return FamulusError(f"cannot build a template in {root}: {brief}", details=details, hint=hint)


def _brief(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
