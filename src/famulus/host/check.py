# SPDX-License-Identifier: GPL-2.0-or-later
"""Check whether this host can run a fabric."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.host import space
from famulus.host.accelerator import Accelerator, check_accelerator, kvm_obstacle
from famulus.host.building import check_place
from famulus.host.finding import Finding, Level
from famulus.host.limits import check_limits
from famulus.host.lingering import check_lingering
from famulus.host.locks import check_locks
from famulus.host.programs import CACHE_PROGRAMS, PROGRAMS, Program, check_programs
from famulus.host.rootless import check_name, check_rootless
from famulus.settings.spec import FabricSpec


def check_host(
    spec: FabricSpec,
    pool: Path,
    *,
    running: int = 0,
    clones: bool = True,
    programs: tuple[Program, ...] = (),
) -> list[Finding]:
    """Return the findings about this host, good and bad, in the order of their weight.

    `pool` is the fabric's pool file. `running` of its nodes run already. `clones` tells whether new
    nodes are cloned. The back end needs `programs`. Takes a few tenths of a second and changes
    nothing.
    """
    caches = CACHE_PROGRAMS if spec.watched else ()
    accelerator: Accelerator = "tcg" if spec.accelerator == "tcg" or kvm_obstacle() else "kvm"
    return [
        *check_programs((*PROGRAMS, *programs, *caches)),
        *check_name(),
        check_accelerator(spec.accelerator),
        *check_locks(),
        *check_limits(spec, running),
        *_build_findings(spec, "warning" if space.has_template() else "error"),
        space.check_memory(spec, accelerator, pool, running=running, clones=clones),
        space.check_pool(spec, accelerator, pool),
        *check_lingering(pool),
    ]


def require_build(spec: FabricSpec) -> None:
    """Raise FamulusError unless this host can build a template for `spec`."""
    require([*check_programs(), *_build_findings(spec, "error")])


def _build_findings(spec: FabricSpec, level: Level) -> list[Finding]:
    found = [check_rootless(level), *check_place(level), *space.check_disk(spec, level)]
    return [replace(finding, for_build=True) for finding in found]


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
        hint="`famulus doctor` shows all findings.",
    )
