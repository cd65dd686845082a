# SPDX-License-Identifier: GPL-2.0-or-later
"""Check whether this host can run a fabric."""

from collections.abc import Iterable
from pathlib import Path

from famulus.backend.libvirt.host import check_libvirt
from famulus.base.errors import FamulusError
from famulus.host import space
from famulus.host.accelerator import Accelerator, check_accelerator, kvm_obstacle
from famulus.host.finding import Finding
from famulus.host.programs import CACHE_PROGRAMS, LIBVIRT_PROGRAMS, PROGRAMS, check_programs
from famulus.host.rootless import check_rootless
from famulus.settings.spec import FabricSpec


def check_host(spec: FabricSpec, pool: Path | None = None, *, running: int = 0) -> list[Finding]:
    """Return everything that was looked at, good or bad, in the order of its weight.

    `pool` is the fabric's pool file; without it the default fabric's is meant. `running` of its
    nodes run already. Takes a few tenths of a second, changes nothing.
    """
    libvirt = spec.network == "libvirt"
    caches = CACHE_PROGRAMS if spec.watched else ()
    pool = pool or space.default_pool(spec)
    accelerator: Accelerator = "tcg" if spec.accelerator == "tcg" or kvm_obstacle() else "kvm"
    return [
        *check_programs(PROGRAMS + (LIBVIRT_PROGRAMS if libvirt else ()) + caches),
        check_accelerator(spec.accelerator),
        check_rootless("warning" if space.has_template() else "error"),
        *space.check_disk(spec),
        space.check_memory(spec, accelerator, pool, running=running),
        space.check_pool(spec, accelerator, pool),
        *(check_libvirt(pool) if libvirt else []),
    ]


def require(findings: Iterable[Finding]) -> None:
    """Raise one FamulusError that lists every error among `findings`, each with its cure."""
    errors = [finding for finding in findings if finding.level == "error"]
    if not errors:
        return
    if len(errors) == 1:
        raise FamulusError(f"{errors[0].name}: {errors[0].text}", hint=errors[0].cure)
    lines = [f"{error.name}: {error.text}\n  -> {error.cure}" for error in errors]
    raise FamulusError(
        f"this host lacks {len(errors)} things that a fabric needs",
        details="\n".join(lines),
        hint="`famulus doctor` shows everything that is looked at.",
    )
